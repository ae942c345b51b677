"""The benchmarks' clients of an event stream: what they count of a small server that leaves events out."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from itertools import count

import pytest

from benchmarks.stream_clients import StreamClients, StreamError
from tests.support.http_server import serving


def event(number, late_ms=0):
    moment = datetime.now(UTC) - timedelta(milliseconds=late_ms)
    entry = json.dumps({"timestamp": moment.isoformat(), "message": "ü"}, ensure_ascii=False)
    return f"id: {number}\ndata: {entry}\n\n".encode()


@contextmanager
def server(*streams, status=200):
    """Its port; client n gets the parts of stream n, and then the end."""
    number = count()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            for part in streams[next(number)]:
                self.wfile.write(part)
                self.wfile.flush()

        def log_message(self, *_):
            pass

    with serving(Handler) as port:
        yield port


@contextmanager
def read(port, clients):
    with StreamClients(("127.0.0.1", port), "/logs", clients) as streams:
        streams.read_until(streams.have_ended, within_s=10)
        yield streams


def test_stream_clients_everything_has_come_to_all():
    events = [event(1, late_ms=5000), b": still here\n\n", event(2)[:30], event(2)[30:] + event(3)]
    with server(events, events) as port, read(port, 2) as streams:
        assert streams.have_begun()
        assert (streams.lost(3), streams.doubled) == (0, 0)
        assert streams.lost(4) == 2
        assert len(streams.delays_ms) == 6
        assert max(streams.delays_ms) >= 5000


def test_stream_clients_counts_lost_and_doubled_events():
    whole = [event(1), event(2), event(3)]
    with server(whole, [event(1), event(3), event(3)], [event(1)]) as port, read(port, 3) as streams:
        assert (streams.lost(3), streams.doubled) == (3, 1)


def test_stream_clients_events_of_the_past_have_no_delay():
    with (
        server([event(1, late_ms=60_000), event(2)]) as port,
        StreamClients(("127.0.0.1", port), "/logs", 1) as streams,
    ):
        streams.live_from_s = (datetime.now(UTC) - timedelta(seconds=30)).timestamp()
        streams.read_until(streams.have_ended, within_s=10)
        assert len(streams.delays_ms) == 1


def test_stream_clients_a_refusal_and_a_stream_that_does_not_end_are_errors():
    with server([b"no"], status=503) as port, pytest.raises(StreamError, match="503"), read(port, 1):
        pass
    with (
        server([]) as port,
        StreamClients(("127.0.0.1", port), "/logs", 1) as streams,
        pytest.raises(StreamError, match="within"),
    ):
        streams.read_until(lambda: False, within_s=0.3)
