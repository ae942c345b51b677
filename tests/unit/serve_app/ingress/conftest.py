"""HAProxy, and a socket in the place of the replica behind it."""

import os
import socket
import subprocess

import pytest

from actors.ray_internals.variables import CLIENT_HEADER
from rfuav_ray.machine.ports import free_port
from tests.support.haproxy import AS_RAY_WRITES_IT, SECRET, command_for, wait_for_port


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

    def start(host="127.0.0.1", most=(50, 3), written=AS_RAY_WRITES_IT, **ports):
        ports = {
            "port": free_port(),
            "metrics_port": free_port(),
            "stats_port": free_port(),
            "replica_port": replica.getsockname()[1],
        } | ports
        file = tmp_path / "haproxy.cfg"
        file.write_text(written.format(folder=tmp_path, **ports))
        command = [*command_for(host, *most), "-db", "-f", str(file)]
        process = subprocess.Popen(command, env=os.environ | {CLIENT_HEADER: SECRET}, stderr=subprocess.DEVNULL)
        processes.append(process)
        wait_for_port(ports["port"], process)
        return ports, process

    yield start
    for process in processes:
        process.kill()
        process.wait()
