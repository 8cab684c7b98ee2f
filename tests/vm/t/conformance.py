#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""tests/conformance finds what is wrong with a page, and with what ran."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parents[2]
PAGE = TESTS.parent / "Documentation" / "conformance.rst"

# One row of its own, and what it is made into; a test that is there stands for all others.
ROW = """
.. list-table::

   * - {clause}
     - a rule
     - engine
     - something
     - {tests}

{count}
"""
GOOD = "``ping_is_answered``, ``hostile:index_zero_fails``"


def page(tests=GOOD, clause="6.7 MUST", count="6.7      1     0         0       0"):
    return ROW.format(clause=clause, tests=tests, count=count)


def record(*results, commit="c0ffee"):
    lines = [{"commit": commit}] + [dict(zip(("test", "case", "result"), r)) for r in results]
    return "".join(json.dumps(line) + "\n" for line in lines)


UNIT = ("unit/unit", "ping_is_answered", "pass")
WIRE = [("interop/hostile", f"{backend}_{how}_index_zero_fails", "pass")
        for backend in ("user", "kernel") for how in ("clear", "tls")]
FELLED = [*WIRE[:3], (*WIRE[3][:2], "fail")]
SKIPPED = [*WIRE[:3], (*WIRE[3][:2], "skip")]

# name, page, record, arguments, whether it passes
CASES = [
    ("page_is_fine", None, None, [], True),
    ("row_is_fine", page(), None, [], True),
    ("bogus_vector_fails", page("``ping_is_answerd``"), None, [], False),
    ("bogus_case_of_hostile_fails", page("``hostile:index_one_fails``"), None, [], False),
    ("bogus_test_program_fails", page("``hostle:index_zero_fails``"), None, [], False),
    ("bogus_case_of_a_kselftest_fails", page("``serve:ping_is_lost``"), None, [], False),
    ("case_of_a_kselftest_is_found", page("``serve:ping_is_answered_by_the_kernel``"), None, [],
     True),
    ("helper_of_a_kselftest_is_no_case", page("``serve:read_body``"), None, [], False),
    ("case_of_a_script_is_found", page("``static:file_has_its_octets``, ``static:file_is_served``"),
     None, [], True),
    ("word_of_a_script_is_no_case", page("``static:command``"), None, [], False),
    ("function_of_a_script_is_no_case", page("``static:status_is``"), None, [], False),
    ("name_made_by_a_macro_is_found", page("``ping_flood_is_stopped_after_the_burst``"), None, [],
     True),
    ("second_of_two_is_looked_at", page(GOOD + ", ``bogus``"), None, [], False),
    ("row_without_tests_fails", page("later"), None, [], False),
    ("empty_cell_fails", page(""), None, [], False),
    ("reason_is_taken", page("n/a: no intermediary"), None, [], True),
    ("reason_without_words_fails", page("none:"), None, [], False),
    ("unknown_reason_fails", page("soon: it will be"), None, [], False),
    ("row_of_no_clause_fails", page(clause="6.7 MAY"), None, [], False),
    ("row_that_is_missing_fails", page(count="6.7  2  0  0  0"), None, [], False),
    ("row_too_many_fails", page(count=""), None, [], False),
    ("all_that_ran_passed", page(), record(UNIT, *WIRE), [], True),
    ("variants_of_a_kselftest_count_as_one", page("``serve:ping_is_lost``"),
     record(*(("selftests/serve", f"serve.{how}.ping_is_lost", "pass") for how in ("tcp", "tls"))),
     [], True),
    ("unit_test_named_for_a_transport_is_no_variant", page("``libkh2:tls_ends_in_order``"),
     record(("unit/libkh2", "tls_ends_in_order", "pass")), [], True),
    ("test_that_did_not_run_fails", page(), record(*WIRE), [], False),
    ("test_that_failed_once_fails", page(), record(UNIT, *FELLED), [], False),
    ("test_that_was_skipped_fails", page(), record(UNIT, *SKIPPED), [], False),
    ("record_of_this_commit_counts", page(), record(UNIT), ["--commit", "c0ffee"], False),
    ("record_of_another_commit_proves_nothing", page(), record(UNIT), ["--commit", "beef"], True),
]


def run(directory, text, ran, arguments):
    path = directory / "page.rst"
    path.write_text(text or PAGE.read_text())
    command = [TESTS / "conformance", "--page", path, *arguments]
    if ran:
        (directory / "ran").write_text(ran)
        command += ["--ran", directory / "ran"]
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={k: v for k, v in os.environ.items() if k != "KH2_RAN"}, check=False)


def each_row_counts(directory):
    """Without any one of its rows the page fails."""
    text = PAGE.read_text()
    rows = [m.start() for m in re.finditer(r"^   \* - (?!Clause)(?!RFC)", text, re.MULTILINE)][::25]
    for start in rows:
        end = re.compile(r"^(   \* - |\S|$)", re.MULTILINE).search(text, start + 8).start()
        if run(directory, text[:start] + text[end:], None, []).returncode != 1:
            print(f"# without the row at {start} it passes")
            return False
    return bool(rows)


def main():
    print(f"TAP version 13\n1..{len(CASES) + 1}")
    good = True
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        for number, (case, text, ran, arguments, passes) in enumerate(CASES, 1):
            done = run(directory, text, ran, arguments)
            ok = done.returncode == (0 if passes else 1) and "Traceback" not in done.stdout
            good &= ok
            if not ok:
                print("\n".join("# " + line for line in done.stdout.splitlines()))
            print(f"{'' if ok else 'not '}ok {number} {case}", flush=True)
        ok = each_row_counts(directory)
        good &= ok
        print(f"{'' if ok else 'not '}ok {len(CASES) + 1} each_row_counts")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
