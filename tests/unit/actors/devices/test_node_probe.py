"""Whether a node answers, over real sockets."""

import asyncio
import socket

from actors.devices.node_probe import answers
from actors.devices.numbering import Node


def node_at(port):
    return Node("id", "host", "127.0.0.1", is_head=False, cpus=1, gpu_count=0, port=port)


def test_node_probe_a_node_whose_port_is_open_answers():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert asyncio.run(answers(node_at(server.getsockname()[1])))


def test_node_probe_a_node_whose_port_is_closed_does_not():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert not asyncio.run(answers(node_at(port)))


def test_node_probe_a_node_that_has_no_address_does_not():
    assert not asyncio.run(answers(Node("id", "host", "no.such.host.invalid", is_head=False, cpus=1, gpu_count=0)))
