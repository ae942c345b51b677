"""The real HAProxy with a configuration as Ray Serve writes it."""

import subprocess
import sys

import httpx2
import psutil
import pytest

from rfuav_ray.machine.ports import free_port
from tests.support.haproxy import (
    AS_RAY_WRITES_IT,
    OK,
    answer_with,
    ask,
    command_for,
    in_the_one_shape,
    read,
    wait_for_port,
)


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


def test_haproxy_start_beside_the_prefix_of_the_service_is_404_in_the_one_shape(haproxy):
    ports, _ = haproxy(
        written=AS_RAY_WRITES_IT.replace("is_api path_beg /", "is_http-rfuav path_beg /lab/").replace(
            "if is_api", "if is_http-rfuav"
        )
    )
    for path in ("/", "/labx/api", "/api/v1/health"):
        head, body = read(ask(ports["port"], path))
        assert " 404 " in head and in_the_one_shape(body) and b"below /lab/" in body


def test_haproxy_start_without_the_service_every_path_is_503(haproxy):
    ports, _ = haproxy(written=AS_RAY_WRITES_IT.replace("path_beg /", "path_beg /other/"))
    head, body = read(ask(ports["port"], "/lab/api/v1/health"))
    assert " 503 " in head and "retry-after: 2" in head.lower() and in_the_one_shape(body)


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
        "import subprocess, sys\n"
        "process = subprocess.Popen(sys.argv[1:], stderr=subprocess.DEVNULL)\n"
        "print(process.pid, flush=True)\n"
        "process.wait()\n"
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
