"""The benchmarks' load generator against a small real server: its figures, and what it does not let pass."""

from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from benchmarks import load_generator
from benchmarks.load_generator import Load, LoadError
from tests.support.http_server import serving


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(load_generator, "WARM_UP_S", 0.05)


@contextmanager
def server(status=200, body=b"{}", length=None):
    """The URL of a server that always answers so, and the requests that it got."""
    received = Counter()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Else the two writes of an answer wait for each other's acknowledgement.
        disable_nagle_algorithm = True

        def do_GET(self):
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            received[self.command, self.path, content] += 1
            self.send_response(status)
            if length != "none":
                self.send_header("Content-Length", str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            self.do_GET()

        def log_message(self, *_):
            pass

    with serving(Handler) as port:
        yield f"http://127.0.0.1:{port}", received


def load(url, **changes):
    options: dict[str, Any] = {"connections": 3, "seconds": 0.2, "method": "GET", "body": None}
    return load_generator.run(url, **(options | changes))


def test_load_generator_counts_what_the_server_answered():
    with server() as (url, received):
        found = load(f"{url}/tasks?limit=1")
    assert set(received) == {("GET", "/tasks?limit=1", b"")}
    # Those of the first moment are not counted.
    assert 2 <= found.requests <= received.total()
    # They were counted until the last answer, which came after the time was over.
    assert 0 < found.requests_per_second <= found.requests / 0.2
    assert 0 < found.p50_ms <= found.p99_ms
    assert found.errors == {}


def test_load_generator_sends_a_body():
    with server() as (url, received):
        load(url, method="POST", body='{"name": "ü"}')
    assert set(received) == {("POST", "/", '{"name": "ü"}'.encode())}


def test_load_generator_takes_answers_that_come_in_parts():
    with server(body=b"x" * 1_000_000) as (url, _):
        assert load(url, seconds=1).requests > 3


def test_load_generator_counts_errors_by_status():
    with server(status=404) as (url, _):
        found = load(url)
    assert found.errors == {"404": found.requests}


def test_load_generator_refuses_a_silent_server_and_one_without_content_length(monkeypatch):
    monkeypatch.setattr(load_generator, "SILENCE_S", 0.5)
    with server(length=10) as (url, _), pytest.raises(LoadError, match="3 requests have no answer"):
        load(url)
    with server(length="none") as (url, _), pytest.raises(LoadError, match="no Content-Length"):
        load(url)


@pytest.mark.long
def test_load_generator_measures_in_a_process_of_its_own():
    with server() as (url, _):
        found = load_generator.measure(url, connections=2, seconds=0.2)
    assert isinstance(found, Load)
    assert found.requests >= 2
    with server(status=503) as (url, _), pytest.raises(LoadError, match=r"these failed: {'503': \d+}"):
        load_generator.measure(url, connections=2, seconds=0.2)
    with pytest.raises(LoadError, match="refused"):
        load_generator.measure(url, connections=2, seconds=0.2)
