#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""python3-h2 against kh2d: files at once, small windows, a reset stream, errors of requests."""

import sys

from h2conn import Connection


def main():
    directory, host, port = sys.argv[1:]
    c = Connection(host, port, ca=directory + "/cert.pem")
    with open(directory + "/www/1M", "rb") as file:
        content = file.read()

    streams = [c.request("/1M") for _ in range(4)]
    for stream in streams:
        assert c.wait(stream) == content
        assert c.answers[stream][":status"] == "200"

    given_up = c.request("/16M")
    c.receive()
    c.h2.reset_stream(given_up, error_code=8)
    c.flush()
    assert c.wait(c.request("/hello.txt")) == b"hello\n"

    c.wait(missing := c.request("/missing"))
    assert c.answers[missing][":status"] == "404"
    many = [c.request("/hello.txt") for _ in range(50)]
    assert all(c.wait(stream) == b"hello\n" for stream in many)
    c.close()


main()
