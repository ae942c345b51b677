"""Ports that are chosen now and used later."""

import socket

import pytest

from rfuav_ray.errors import RfuavError
from rfuav_ray.machine.ports import PORT_RANGE, check_free, free_port


def test_ports_a_chosen_port_is_none_that_the_system_gives_to_connections():
    port = free_port()
    assert port in PORT_RANGE
    with (
        socket.create_server(("127.0.0.1", port)) as server,
        socket.create_connection(server.getsockname()) as one,
    ):
        assert one.getsockname()[1] not in PORT_RANGE


def test_ports_a_port_that_is_taken_is_not_chosen():
    with socket.create_server(("127.0.0.1", free_port())) as server:
        taken = server.getsockname()[1]
        assert all(free_port() != taken for _ in range(200))


def test_ports_a_free_port_is_accepted_and_a_taken_one_named():
    check_free("127.0.0.1", free_port())
    with socket.socket() as connected:
        connected.bind(("127.0.0.1", free_port()))
        port = connected.getsockname()[1]
        with pytest.raises(RfuavError, match=f"Cannot listen on 127.0.0.1:{port}: .* HOST or PORT"):
            check_free("127.0.0.1", port)
