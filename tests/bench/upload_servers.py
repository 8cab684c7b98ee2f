# SPDX-License-Identifier: GPL-2.0
"""Servers that are sent uploads: each as its users would begin with it, and plain TCP."""

import os

from servers import CERT, DIR, HERE, KEY, ROOT

HOST = "10.66.0.1"
SLOW = "/slow"
BACKEND_PORT = 8600
TCP = os.environ.get("KH2_SRC", "/kh2/src") + "/tests/interop/peers/tcp.py"

# What is said to it is the least that makes it serve uploads: no limit of the body, and whom to
# pass it to.  With proxy_request_buffering, the default, that is after the last octet of it.
NGINX = """
user root;
worker_processes 1;
daemon off;
pid {dir}/{name}.pid;
error_log {dir}/{name}.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {dir}/{name}-body;
    proxy_temp_path {dir}/{name}-proxy;
    server {{
        listen {host}:{port}{ssl};
        http2 on;
        client_max_body_size 0;
        {more}
        location / {{
            proxy_http_version 1.1;
            proxy_pass http://127.0.0.1:{backend};
        }}
    }}
}}
"""


def nginx(name, port, tls):
    more = [f"ssl_certificate {CERT};", f"ssl_certificate_key {KEY};"] if tls else []
    if name == "nginx-stream":
        more.append("proxy_request_buffering off;")
    with open(f"{DIR}/{name}.conf", "w", encoding="ascii") as file:
        file.write(NGINX.format(dir=DIR, name=name, host=HOST, port=port, backend=BACKEND_PORT,
                                ssl=" ssl" if tls else "", more="\n        ".join(more)))
    return ["nginx", "-c", f"{DIR}/{name}.conf"]


def kh2d(name, port, tls):
    return ["kh2d", "serve", "--workers", "1", "--listen", f"{HOST}:{port}", "--backend",
            name.removeprefix("kh2-"), "--app", os.environ["KH2_BIN"] + "/apps/discard.so",
            *(["--cert", CERT, "--key", KEY] if tls else [])]


def nghttpd(_, port, tls):
    """It reads bodies to their end only to send them back, after that."""
    return ["nghttpd", "--echo-upload", "-n1", "-a", HOST, "-d", ROOT,
            *([str(port), KEY, CERT] if tls else ["--no-tls", str(port)])]


def node(_, port, tls):
    return ["node", HERE + "/upload_server.js", "http2", HOST, str(port),
            *([CERT, KEY] if tls else [])]


def sink(_, port, tls):
    return [TCP, "sink", HOST, str(port), *([CERT, KEY] if tls else [])]


COMMANDS = {
    "tcp": sink, "kh2-kernel": kh2d, "kh2-user": kh2d, "nginx": nginx, "nginx-stream": nginx,
    "nghttpd": nghttpd, "node": node,
}


def command(server, port, tls):
    return COMMANDS[server](server, port, tls)


def backend():
    """Whom nginx passes uploads to."""
    return ["node", HERE + "/upload_server.js", "http1", "127.0.0.1", str(BACKEND_PORT)]
