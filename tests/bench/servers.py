# SPDX-License-Identifier: GPL-2.0
"""Starts and ends each server in the guest, with one worker and the same cipher."""

import os
import shutil
import signal
import subprocess
import tempfile
import time

from cases import CASES, CIPHER

PORT = 8443
DIR = "/tmp/bench"
ROOT = DIR + "/www"
CERT = DIR + "/cert.pem"
KEY = DIR + "/key.pem"
HERE = os.path.dirname(os.path.abspath(__file__))

NGINX = """
user root;
worker_processes 1;
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/nginx.log;
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    {tuning}
    server {{
        listen 127.0.0.1:{port}{ssl};
        http2 on;
        root {root};
        {tls}
    }}
}}
"""

# What a run of many requests needs, and more than nginx does by default
NGINX_TUNING = """
    keepalive_requests 100000000;
    keepalive_timeout 1h;
    open_file_cache max=16 inactive=1h;
    open_file_cache_valid 1h;
"""

NGINX_TLS = """
        ssl_certificate {cert};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.3;
        ssl_conf_command Ciphersuites {cipher};
        {ktls}
"""

ASK_VERSION = {"nginx": "-v", "openssl": "version"}


class Absent(Exception):
    """The build or the root has no such server."""


class Broken(Exception):
    """The server is there and does not do what it should."""


def version(program):
    """The first line of what it says of itself."""
    try:
        done = subprocess.run([program, ASK_VERSION.get(program, "--version")],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
    except FileNotFoundError:
        return ""
    return (done.stdout.splitlines() or [""])[0].strip()


def versions(*programs):
    return {"kernel": os.uname().release, **{name: version(name) for name in programs}}


def make_site():
    os.makedirs(ROOT, exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", KEY, "-out", CERT], check=True, stderr=subprocess.DEVNULL)
    for name, case in CASES.items():
        with open(f"{ROOT}/{page(name)}", "wb") as file:
            file.write(os.urandom(case.size))


def page(case):
    return f"{CASES[case].size}.bin"


def nginx_command(tls, ktls, connections, tuned):
    text = NGINX_TLS.format(cert=CERT, key=KEY, cipher=CIPHER,
                            ktls="ssl_conf_command Options KTLS;" if ktls else "") if tls else ""
    with open(DIR + "/nginx.conf", "w", encoding="ascii") as file:
        file.write(NGINX.format(dir=DIR, port=PORT, root=ROOT, ssl=" ssl" if tls else "",
                                tls=text, connections=2 * connections + 64,
                                tuning=NGINX_TUNING if tuned else ""))
    return ["nginx", "-c", DIR + "/nginx.conf"]


def kh2d_command(backend, tls):
    return ["kh2d", "serve", "--workers", "1", "--listen", f"127.0.0.1:{PORT}", "--root", ROOT,
            "--backend", backend, *(["--cert", CERT, "--key", KEY] if tls else [])]


def command(server, transport, connections, tuned):
    tls = transport == "tls"
    if server == "nghttpd":
        return ["nghttpd", "-n1", "-a", "127.0.0.1", "-d", ROOT,
                *([str(PORT), KEY, CERT] if tls else ["--no-tls", str(PORT)])]
    if server.startswith("nginx"):
        return nginx_command(tls, server == "nginx-ktls", connections, tuned)
    if server.startswith("kh2-"):
        return kh2d_command(server.removeprefix("kh2-"), tls)
    if server == "sockets":
        return [HERE + "/connections", "accept", str(PORT)]
    return [HERE + "/raw", "serve", str(PORT), f"{ROOT}/{page('10m')}",
            *([CERT, KEY] if tls else [])]


def listening(port):
    """Whether it is bound; asked of /proc, because not every server likes to be probed."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as file:
            for line in file.readlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].split(":")[1], 16) == port:
                    return True
    return False


class Program:
    """A running program that listens; as a context it is ended on leaving."""

    def __init__(self, words, port):
        if not shutil.which(words[0]):
            raise Absent(f"no {words[0]}")
        self.port = port
        self.log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log)

    def __enter__(self):
        for _ in range(1500):
            if listening(self.port):
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.end()
        raise Broken("it does not listen: " + self.last_words())

    def __exit__(self, *_):
        self.end()

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def last_words(self):
        self.log.seek(0)
        return " ".join(self.log.read().split())[-300:]


class Server(Program):
    """One of SERVERS or IDLE_SERVERS."""

    def __init__(self, name, transport, connections=0, tuned=True):
        super().__init__(command(name, transport, connections, tuned), PORT)
