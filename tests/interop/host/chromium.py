#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Chromium on the host loads the site of `make run` from the VM: 100 pictures over HTTP/2.

The page itself writes into its data attributes what the browser knows of the transfer.
"""

import base64
import hashlib
import os
import re
import shutil
import ssl
import socket
import subprocess
import sys

PORT = int(os.environ["KH2_PORT_8443"])
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SLOW = float(os.environ.get("KH2_SLOW", "1") or "1")
LIMIT = 100 * SLOW
CASES = {
    "page_comes_over_h2": ("page", "h2"),
    "page_has_100_pictures": ("images", "100"),
    "all_pictures_have_a_size": ("loaded", "100"),
    "all_pictures_come_over_h2": ("h2", "100"),
    "each_picture_is_a_request_of_its_own": ("urls", "100"),
}


def key_of_server():
    """The hash by which Chromium is told to trust this one key, and no other."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(("127.0.0.1", PORT), timeout=20 * SLOW) as plain, \
            context.wrap_socket(plain, server_hostname="localhost") as secure:
        certificate = ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True))
    public = subprocess.run(["openssl", "x509", "-noout", "-pubkey"], input=certificate.encode(),
                            stdout=subprocess.PIPE, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=public,
                         stdout=subprocess.PIPE, check=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def load(browser, key):
    """Returns the page's document as it is after everything was loaded."""
    profile = os.path.join(os.getcwd(), "profile")
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--disable-dev-shm-usage", "--no-first-run", "--no-default-browser-check",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-extensions", "--disable-breakpad", "--no-proxy-server",
         "--host-resolver-rules=MAP localhost 127.0.0.1, MAP * ~NOTFOUND",
         "--ignore-certificate-errors-spki-list=" + key, "--user-data-dir=" + profile,
         f"--timeout={90000 * SLOW:.0f}", "--dump-dom", f"https://localhost:{PORT}/"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=LIMIT, check=False,
        env={**os.environ, "HOME": os.getcwd()})
    return done.stdout, done.stderr


def main():
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if not browser:
        print("1..0 # SKIP the host has no Chromium")
        return 4
    print(f"TAP version 13\n1..{len(CASES)}", flush=True)
    try:
        document, errors = load(browser, key_of_server())
    except subprocess.TimeoutExpired as late:
        document, errors = "", str(late)
    tag = re.search(r'<p id="verdict"[^>]*>', document)
    data = dict(re.findall(r'data-(\w+)="([^"]*)"', tag[0])) if tag else {}
    print("#", data)
    failed = False
    for number, (name, (field, expected)) in enumerate(CASES.items(), 1):
        passed = data.get(field) == expected
        failed = failed or not passed
        print(f"{'' if passed else 'not '}ok {number} {name}")
        if not passed:
            print(f"# {field}: {data.get(field)}, not {expected}")
    if failed:
        print("\n".join("# " + line for line in (document[-2000:] + errors).splitlines()))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
