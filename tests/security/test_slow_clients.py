"""Clients that send slowly, or hold what others need."""

import re
import time
from contextlib import ExitStack, suppress

import httpx2
import pytest

from rfuav_ray.settings import STREAMS_PER_ADDRESS
from tests.support.raw_http import answer, connect, is_error

HEAD = b" HTTP/1.1\r\nHost: localhost\r\n"
HALVES = (
    b"G",
    b"GET /api/v2/tasks" + HEAD,
    b"POST /api/v2/training/start" + HEAD + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    b"POST /api/v2/training/start" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
)
#: half a request has ten seconds, and a busy machine some more
END_WITHIN_S = 40


@pytest.fixture
def others(service):
    """Another client, with connections of its own address."""
    with httpx2.Client(base_url=service, transport=httpx2.HTTPTransport(local_address="127.0.0.2")) as http:
        yield http


def test_slow_clients_half_requests_end_and_the_others_are_answered(service, others):
    halves = [connect(service, timeout_s=END_WITHIN_S) for _ in range(200)]
    for number, connection in enumerate(halves):
        connection.sendall(HALVES[number % len(HALVES)])
    began_s = time.monotonic()
    for number, connection in enumerate(halves):
        assert others.get("/api/v2/tasks").status_code == 200
        code, _, body = answer(connection)
        assert code == 408
        if number % len(HALVES) > 1:  # The head is whole.
            assert is_error(body)
    assert time.monotonic() - began_s < END_WITHIN_S


def test_slow_clients_idle_connections_leave_room_for_others(service, others):
    with ExitStack() as stack:
        for _ in range(3000):
            with suppress(ConnectionResetError):  # one too many
                stack.enter_context(connect(service))
        for _ in range(20):
            assert others.get("/api/v1/health").status_code == 200


def test_slow_clients_one_address_has_so_many_streams(service, others):
    with ExitStack() as stack:
        streams = [stack.enter_context(connect(service)) for _ in range(STREAMS_PER_ADDRESS)]
        for stream in streams:
            stream.sendall(b"GET /api/v2/events?limit=1" + HEAD + b"\r\n")
        for stream in streams:
            assert stream.recv(12) == b"HTTP/1.1 200"
        one_more = connect(service)
        one_more.sendall(b"GET /api/v2/events" + HEAD + b"Connection: close\r\n\r\n")
        code, headers, body = answer(one_more)
        assert code == 429 and is_error(body) and int(headers["retry-after"]) > 0
        with others.stream("GET", "/api/v2/events") as stream:
            assert stream.status_code == 200
        assert others.get("/api/v2/tasks").status_code == 200


def test_slow_clients_dropped_streams_end(service):
    """Also those of a client that asks Ray Serve not to watch whether it leaves."""
    for _ in range(30):
        with connect(service) as stream:
            stream.sendall(b"GET /api/v2/events" + HEAD + b"X-Request-Disconnect-Disabled: ?1\r\n\r\n")
            assert stream.recv(12) == b"HTTP/1.1 200"
    open_streams = re.compile(r'^rfuav_open_streams\{.*stream="tasks".*\} (\d+)', re.MULTILINE)
    while int(open_streams.findall(httpx2.get(f"{service}/metrics").text)[0]):
        continue
