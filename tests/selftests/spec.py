#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Holds the netlink specification, the uapi header and the module's policies equal."""

import os
import re
import sys

import yaml

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FAILURES = []


def read(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as file:
        return file.read()


def upper(text):
    return text.replace("-", "_").upper()


def enum_of(header, name):
    """Names of an enum and their values, in order."""
    body = re.search(r"enum %s \{(.*?)\n\}" % name, header, re.S).group(1)
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    values, value = {}, 0
    for entry in filter(None, (part.strip() for part in body.split(","))):
        key, _, expression = (part.strip() for part in entry.partition("="))
        if expression.isdigit():
            value = int(expression)
        elif expression:
            continue
        values[key] = value
        value += 1
    return values


def check(what, good):
    if not good:
        FAILURES.append(what)
        print("#", what)


def check_enum(header, spec_enum, prefix, names, first):
    name = spec_enum.replace("-", "_")
    values = enum_of(header, name)
    values = {key: value for key, value in values.items() if not key.startswith("__")}
    expected = {upper(prefix + entry): first + i for i, entry in enumerate(names)}
    check(f"enum {name}: header {values}, specification {expected}", values == expected)


def constant(spec, value):
    for definition in spec["definitions"]:
        if definition["type"] == "const" and definition["name"] == value:
            return definition["value"]
    return value


def number(header, policy, text):
    """A number, the name of a constant, or the range that a name stands for."""
    if re.fullmatch(r"\d+", text):
        return int(text)
    found = re.search(r"#define %s\s+(\d+)" % text, header)
    if found:
        return int(found.group(1))
    for name in re.findall(r"enum (\w+) \{", header):
        values = enum_of(header, name)
        if text in values:
            return values[text]
    return None


def rule_of(header, policy, text):
    """The checks that an entry of a policy makes, in the words of the specification."""
    found = re.match(r"NLA_POLICY_(\w+)\((.*)\)$", text)
    if found:
        kind, args = found.group(1), [arg.strip() for arg in found.group(2).split(",")]
        if kind == "FULL_RANGE":
            body = re.search(r"%s = \{(.*?)\};" % args[1].lstrip("&"), policy, re.S).group(1)
            return {key: int(value) for key, value in re.findall(r"\.(\w+) = (\d+)", body)}
        if kind == "RANGE":
            return {"min": int(args[1]), "max": int(args[2])}
        if kind == "EXACT_LEN":
            return {"exact-len": int(args[0])}
        return {kind.lower(): number(header, policy, args[1])}
    found = re.search(r"\.len = (\w+)", text)
    return {"max-len": number(header, policy, found.group(1))} if found else {}


def check_policy(spec, header, policy, operation, mode, name):
    sets = {entry["name"]: entry for entry in spec["attribute-sets"]}
    attribute_set = sets[operation["attribute-set"]]
    attributes = {entry["name"]: entry for entry in attribute_set["attributes"]}
    wanted = {}
    for attribute in operation[mode].get("request", {}).get("attributes", []):
        entry = attributes[attribute]
        rule = {key: constant(spec, value) for key, value in entry.get("checks", {}).items()}
        if "enum" in entry:
            enum = next(d for d in spec["definitions"] if d["name"] == entry["enum"])
            rule = {"max": len(enum["entries"]) - 1}
        wanted[upper(attribute_set["name-prefix"] + attribute)] = rule
    body = re.search(r"nla_policy %s\[[^]]*\] = \{\n(.*?)\n\};" % name, policy, re.S)
    if not body:
        check(f"{name} is missing", not wanted)
        return
    found = {}
    for key, text in re.findall(r"\[(\w+)\] = (.*?),$", body.group(1), re.M):
        found[key] = rule_of(header, policy, text)
    check(f"{name}: policy {found}, specification {wanted}", found == wanted)


def main():
    spec = yaml.safe_load(read("Documentation", "netlink", "specs", "kh2.yaml"))
    header = read("uapi", "linux", "kh2_nl.h")
    policy = read("kmod", "nl_policy.c")

    for definition in spec["definitions"]:
        if definition["type"] == "enum":
            check_enum(header, definition["enum-name"], definition["name-prefix"],
                       definition["entries"], 0)
    for entry in spec["attribute-sets"]:
        names = [attribute["name"] for attribute in entry["attributes"]]
        check_enum(header, entry["enum-name"], entry["name-prefix"], names, 1)
    operations = spec["operations"]
    check_enum(header, operations["enum-name"], operations["name-prefix"],
               [operation["name"] for operation in operations["list"]], 1)
    enums_fail = len(FAILURES)

    for operation in operations["list"]:
        modes = [mode for mode in ("do", "dump") if mode in operation]
        requests = [mode for mode in modes if operation[mode].get("request")]
        for mode in modes:
            name = "kh2_" + operation["name"].replace("-", "_")
            if len(requests) > 1:
                name += "_" + mode
            if mode in requests:
                check_policy(spec, header, policy, operation, mode, name + "_policy")

    print("TAP version 13\n1..2")
    print("not ok" if enums_fail else "ok", "1 enums_of_the_header_are_those_of_the_specification")
    print("not ok" if len(FAILURES) > enums_fail else "ok",
          "2 policies_check_what_the_specification_says")
    return 1 if FAILURES else 0


if __name__ == "__main__":
    sys.exit(main())
