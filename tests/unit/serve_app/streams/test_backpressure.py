"""Real connections on this machine: what the kernel says of clients that do not read."""

import asyncio
import socket
import sys

import pytest

from serve_app.streams import backpressure as send_queue
from serve_app.streams.backpressure import paced, wait_until_read, waiting_bytes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what waits for a client")


@pytest.fixture(params=["127.0.0.1", "::1"])
def connection(request):
    """Our end, and a client's that does not read."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.socket(family) as listening:
        try:
            listening.bind((request.param, 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        listening.listen()
        with socket.create_connection(listening.getsockname()[:2]) as client, listening.accept()[0] as ours:
            ours.setblocking(False)
            yield ours, client


def fill(ours):
    sent = 0
    while True:
        try:
            sent += ours.send(b"x" * 65536)
        except BlockingIOError:
            return sent


def test_backpressure_a_client_that_reads_has_nothing_waiting(connection):
    _, client = connection
    assert waiting_bytes(client.getsockname()[:2]) == 0


def test_backpressure_what_a_client_does_not_read_is_seen(connection):
    ours, client = connection
    sent = fill(ours)
    waiting = waiting_bytes(client.getsockname()[:2])
    assert waiting is not None and 0 < waiting <= sent


def test_backpressure_a_connection_that_is_not_here_is_not_known(connection):
    assert waiting_bytes(("192.0.2.1", 1)) is None
    assert waiting_bytes(("no address", 1)) is None


def read(client, size):
    while size:
        size -= len(client.recv(1 << 20))


def test_backpressure_sending_waits_until_the_client_reads(connection):
    ours, client = connection
    address = client.getsockname()[:2]
    sent = fill(ours)

    async def main():
        waiting = asyncio.create_task(wait_until_read(address, 1024))
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
        await asyncio.to_thread(read, client, sent)
        await asyncio.wait_for(waiting, 10)
        await asyncio.wait_for(wait_until_read(None, 0), 1)

    asyncio.run(main())


def test_backpressure_an_endless_answer_stops_for_a_client_that_does_not_read_and_then_goes_on(connection):
    ours, client = connection
    sent = fill(ours)
    is_closed = []

    async def endless():
        try:
            while True:
                yield b"x" * 1000
        finally:
            is_closed.append(True)

    async def main():
        parts = paced(endless(), client.getsockname()[:2])
        taken = 0
        while taken <= send_queue.BYTES_BETWEEN_LOOKS:
            taken += len(await anext(parts))
        waiting = asyncio.ensure_future(anext(parts))
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
        await asyncio.to_thread(read, client, sent)
        assert len(await asyncio.wait_for(waiting, 10)) == 1000
        await parts.aclose()

    asyncio.run(main())
    assert is_closed == [True]
