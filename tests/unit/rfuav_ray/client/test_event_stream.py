import json

import pytest

from rfuav_ray.client.event_stream import EventStream, StreamBroken
from rfuav_ray.client.service_errors import ServiceError, ServiceUnreachable, UnexpectedAnswer
from rfuav_ray.errors import RfuavError

FIRST = b'id: 1\ndata: {"level": "INFO", "message": "one"}\n\n'
SECOND = b'id: 2\ndata: {"level": "INFO", "message": "two"}\n\n'
LAST = b'id: 3\ndata: {"level": "INFO", "message": "end", "stage": "completed", "status": "failed"}\n\n'


def opened(after=None, delays=(1.0, 2.0)):
    stream = EventStream(after, delays)
    stream.opened()
    return stream


def messages(entries):
    return [entry["message"] for entry in entries]


def test_event_stream_entries_come_out_when_their_event_is_complete_however_the_bytes_are_cut():
    data = b": hello\n\n" + FIRST + SECOND.replace(b"two", "zwölf\u2028三".encode()) + LAST
    for size in (1, 2, 3, 7, 1000):
        stream = opened()
        entries = [e for i in range(0, len(data), size) for e in stream.feed(data[i : i + size])]
        assert messages(entries) == ["one", "zwölf\u2028三", "end"]
        assert stream.is_over


def test_event_stream_lines_may_end_with_carriage_returns():
    assert messages(opened().feed(FIRST.replace(b"\n", b"\r\n"))) == ["one"]


def test_event_stream_data_of_several_lines_is_one_entry():
    assert messages(opened().feed(b'data: {"message":\ndata: "one"}\n\n')) == ["one"]


def test_event_stream_half_an_event_is_dropped_and_asked_for_again():
    stream = opened()
    assert messages(stream.feed(FIRST + SECOND[:-1])) == ["one"]
    assert stream.request_headers()["Last-Event-ID"] == "1"
    stream.opened()
    assert messages(stream.feed(SECOND)) == ["two"]


def test_event_stream_what_was_seen_before_is_dropped_even_if_the_service_sends_it_again():
    stream = opened()
    stream.feed(FIRST)
    stream.opened()
    assert messages(stream.feed(FIRST + SECOND + SECOND + LAST)) == ["two", "end"]


def test_event_stream_the_first_request_asks_for_everything_or_for_what_is_behind_after():
    assert "Last-Event-ID" not in EventStream(None, ()).request_headers()
    assert EventStream(0, ()).request_headers()["Last-Event-ID"] == "0"
    stream = opened(after=1)
    assert messages(stream.feed(FIRST + SECOND)) == ["two"]


def test_event_stream_an_event_without_a_number_counts():
    assert messages(opened(after=5).feed(b'data: {"message": "x"}\n\n')) == ["x"]


def test_event_stream_a_number_belongs_to_its_own_event_only():
    stream = opened(after=5)
    stream.feed(b'id: 6\n\ndata: {"message": "x"}\n\n')
    assert stream.request_headers()["Last-Event-ID"] == "5"


@pytest.mark.parametrize(
    "entry", [{"stage": "completed"}, {"status": "running"}, {"stage": "epoch_end", "status": "x"}]
)
def test_event_stream_only_stage_completed_with_a_status_ends_it(entry):
    stream = opened()
    stream.feed(b"id: 1\ndata: " + json.dumps(entry).encode() + b"\n\n")
    assert not stream.is_over
    with pytest.raises(StreamBroken):
        stream.closed()


def test_event_stream_nothing_counts_behind_the_last_event():
    stream = opened()
    assert messages(stream.feed(LAST + b'id: 4\ndata: {"message": "late"}\n\n')) == ["end"]
    stream.closed()


@pytest.mark.parametrize("data", [b"{broken", b"[1]", b"\xff"])
def test_event_stream_data_that_is_no_log_entry_is_an_error(data):
    with pytest.raises(RfuavError, match="log stream"):
        opened().feed(b"data: " + data + b"\n\n")


def test_event_stream_the_waits_grow_and_then_the_problem_is_raised():
    stream, problem = opened(delays=(0.5, 1.0)), StreamBroken("x")
    assert [stream.retry_delay_s(problem), stream.retry_delay_s(problem)] == [0.5, 1.0]
    with pytest.raises(StreamBroken):
        stream.retry_delay_s(problem)


def test_event_stream_an_entry_or_a_second_heartbeat_makes_the_waits_start_anew():
    for sign_of_life in (FIRST, b": heartbeat\n\n: heartbeat\n\n"):
        stream, problem = opened(delays=(0.5,)), StreamBroken("x")
        stream.retry_delay_s(problem)
        stream.opened()
        stream.feed(sign_of_life)
        assert stream.retry_delay_s(problem) == 0.5


def test_event_stream_a_service_that_only_greets_and_closes_is_given_up():
    stream, problem = opened(delays=(0.5,)), StreamBroken("x")
    stream.retry_delay_s(problem)
    stream.opened()
    stream.feed(b": hello\n\n")
    with pytest.raises(StreamBroken):
        stream.retry_delay_s(problem)


def test_event_stream_a_stream_that_never_began_is_not_tried_again():
    problem = ServiceUnreachable("http://x", "refused")
    with pytest.raises(ServiceUnreachable):
        EventStream(None, (1.0,)).retry_delay_s(problem)


@pytest.mark.parametrize("status", [401, 404, 409])
def test_event_stream_what_the_service_itself_refuses_is_not_tried_again(status):
    with pytest.raises(ServiceError):
        opened().retry_delay_s(ServiceError(status, "no"))


@pytest.mark.parametrize(
    "problem",
    [ServiceError(500, "x"), ServiceError(503, "x"), UnexpectedAnswer(404, "proxy"), ServiceUnreachable("u", "r")],
)
def test_event_stream_what_a_restart_looks_like_is_tried_again(problem):
    assert opened().retry_delay_s(problem) == 1.0
