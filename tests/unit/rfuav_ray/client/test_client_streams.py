"""Following a task: the log stream, its breaks, and waiting for the end; with both clients."""

import asyncio
import json
import os
import signal

import pytest

from rfuav_ray.client import RFUAVClient, ServiceError
from rfuav_ray.errors import RfuavError
from tests.support.fake_service import (
    LOGS,
    NO_WAIT,
    answer,
    event,
    last_event,
    refuse,
    stream,
    task,
    with_async_client,
)

TRAINING_LOGS = "GET /api/v2/training/t1/logs"


def messages(entries):
    return [entry["message"] for entry in entries]


# Streams


def both_streams(service, after=None):
    """What either client reads from the log stream of t1."""

    async def read(twin):
        return [entry async for entry in twin.stream_logs("t1", after=after)]

    def prepared(kind):
        with RFUAVClient(service.url, retry_delays_s=NO_WAIT) as client:
            if kind == "async":
                return asyncio.run(with_async_client(service, read))
            return list(client.stream_logs("t1", after=after))

    return prepared


KINDS = pytest.mark.parametrize("kind", ["sync", "async"])


@KINDS
def test_client_streams_every_entry_comes_to_the_last_event_and_comments_do_not(service, kind):
    chunks = (
        b": hello\n\n",
        event(1, "one", step=1),
        b": heartbeat\n\n",
        event(2, "two") + last_event(3, "failed"),
    )
    service.on(LOGS, stream(*chunks))
    entries = both_streams(service)(kind)
    assert messages(entries) == ["one", "two", "Task failed."]
    assert entries[0]["step"] == 1
    assert entries[-1]["status"] == "failed"
    assert service.requests[0].headers["Accept"] == "text/event-stream"
    assert len(service.requests) == 1


@KINDS
def test_client_streams_the_last_event_ends_it_even_if_the_connection_stays(service, kind):
    service.on(LOGS, service.hang(event(1, "one"), last_event(2)))
    assert messages(both_streams(service)(kind)) == ["one", "Task completed."]


@KINDS
@pytest.mark.parametrize("broken", [True, False], ids=["broken", "closed"])
def test_client_streams_a_connection_that_ends_early_is_taken_up_where_it_stopped(service, kind, broken):
    half = event(3, "three")[:20]
    service.on(
        LOGS,
        stream(event(1, "one"), event(2, "two"), half, broken=broken),
        stream(event(3, "three"), broken=broken),
        stream(event(4, "four"), last_event(5)),
    )
    assert messages(both_streams(service)(kind)) == ["one", "two", "three", "four", "Task completed."]
    assert [request.headers.get("Last-Event-ID") for request in service.requests] == [None, "2", "3"]


@KINDS
def test_client_streams_a_service_that_replays_everything_changes_nothing(service, kind):
    everything = (event(1, "one"), event(2, "two"), last_event(3))
    service.on(LOGS, stream(everything[0], broken=True), stream(*everything))
    assert messages(both_streams(service)(kind)) == ["one", "two", "Task completed."]


@KINDS
def test_client_streams_a_restart_behind_a_proxy_is_waited_for(service, kind):
    service.on(
        LOGS,
        stream(event(1, "one"), broken=True),
        answer(b"<html>Bad Gateway</html>", 502, "text/html"),
        answer(b"Path '/api/v2' not found", 404, "text/plain"),
        refuse(503, "The service is starting."),
        stream(last_event(2)),
    )
    assert messages(both_streams(service)(kind)) == ["one", "Task completed."]


@KINDS
def test_client_streams_tries_are_bounded(service, kind):
    service.on(LOGS, stream(event(1, "one"), broken=True), refuse(503, "The service is stopping."))
    with pytest.raises(ServiceError, match="stopping"):
        both_streams(service)(kind)
    assert len(service.requests) == 1 + len(NO_WAIT)


@KINDS
def test_client_streams_a_task_that_is_gone_after_the_break_ends_the_stream(service, kind):
    service.on(LOGS, stream(event(1, "one"), broken=True), refuse(404, "There is no task 't1'."))
    with pytest.raises(ServiceError, match="no task"):
        both_streams(service)(kind)
    assert len(service.requests) == 2


@KINDS
@pytest.mark.parametrize(
    "reply",
    [
        refuse(404, "There is no task 't1'."),
        refuse(401, "key"),
        answer(b"<html>", 200, "text/html"),
        answer([], 200),
    ],
    ids=["unknown", "no key", "web page", "no stream"],
)
def test_client_streams_a_stream_that_never_began_fails_at_once(service, kind, reply):
    service.on(LOGS, reply)
    with pytest.raises(ServiceError):
        both_streams(service)(kind)
    assert len(service.requests) == 1


@KINDS
def test_client_streams_going_on_behind_an_event(service, kind):
    service.on(LOGS, stream(event(3, "three"), last_event(4)))
    assert messages(both_streams(service, after=2)(kind)) == ["three", "Task completed."]
    assert service.requests[0].headers["Last-Event-ID"] == "2"


@KINDS
def test_client_streams_behind_the_last_event_of_an_ended_task_is_nothing(service, kind):
    service.on(LOGS, answer(b"", 204))
    assert both_streams(service, after=9)(kind) == []


@KINDS
def test_client_streams_a_stream_that_is_closed_again_and_again_is_given_up(service, kind):
    service.on(LOGS, stream())
    with pytest.raises(RfuavError, match="closed the log stream"):
        both_streams(service)(kind)


@KINDS
def test_client_streams_line_separators_of_unicode_are_text(service, kind):
    text = "a\u2028b\u2029c\x85d\x0be"
    service.on(LOGS, stream(event(1, text), last_event(2)))
    assert messages(both_streams(service)(kind)) == [text, "Task completed."]


def test_client_streams_a_trainings_stream_has_its_own_route(service, client):
    service.on(TRAINING_LOGS, stream(event(1, "one"), last_event(2)))
    assert messages(client.stream_training_logs("t1")) == ["one", "Task completed."]

    async def read(twin):
        return [entry async for entry in twin.stream_training_logs("t1")]

    assert messages(asyncio.run(with_async_client(service, read))) == ["one", "Task completed."]


# Waiting


def wait(service, kind, timeout=None):
    if kind == "async":
        return asyncio.run(with_async_client(service, lambda twin: twin.wait("t1", timeout)))
    with RFUAVClient(service.url, retry_delays_s=NO_WAIT) as client:
        return client.wait("t1", timeout=timeout)


@KINDS
@pytest.mark.parametrize("timeout", [None, 60])
def test_client_streams_wait_follows_the_stream_and_returns_the_task(service, kind, timeout):
    service.on(LOGS, stream(event(1, "one"), broken=True), stream(last_event(2, "failed")))
    service.on("GET /api/v2/tasks/t1", task(status="failed", error="no space left"))
    assert wait(service, kind, timeout)["error"] == "no space left"
    assert service.routes() == [LOGS, LOGS, "GET /api/v2/tasks/t1"]


@KINDS
def test_client_streams_wait_is_not_fooled_by_a_copy_that_lags_behind_the_stream(service, kind):
    service.on(LOGS, stream(last_event(1)))
    service.on("GET /api/v2/tasks/t1", task(status="running"), task(status="running"), task(result={"x": 1}))
    assert wait(service, kind)["result"] == {"x": 1}


@KINDS
def test_client_streams_wait_ends_when_its_time_is_up_also_between_two_heartbeats(service, kind):
    service.on(LOGS, service.hang(event(1, "one"), b": heartbeat\n\n"))
    with pytest.raises(TimeoutError, match=r"Task 't1' has not ended within 0\.2 s"):
        wait(service, kind, timeout=0.2)


@KINDS
def test_client_streams_wait_for_an_unknown_task_fails_at_once(service, kind):
    service.on(LOGS, refuse(404, "There is no task 't1'."))
    with pytest.raises(ServiceError) as caught:
        wait(service, kind, timeout=60)
    assert caught.value.status_code == 404


def test_client_streams_ctrl_c_ends_a_wait(service, client):
    def press_ctrl_c(handler):
        os.kill(os.getpid(), signal.SIGINT)
        service.hang()(handler)

    service.on(LOGS, press_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        client.wait("t1")


def test_client_streams_wait_works_inside_a_running_event_loop(service):
    """As in a notebook."""
    service.on(LOGS, stream(last_event(1)))
    service.on("GET /api/v2/tasks/t1", task())

    async def cell():
        with RFUAVClient(service.url) as client:
            return client.wait("t1")  # blocks the loop, as any call of this client does

    assert asyncio.run(cell())["status"] == "completed"


def test_client_streams_a_client_can_be_used_as_the_original_one(service, client):
    """Reads only `data: ` lines and prints level and message."""
    service.on(TRAINING_LOGS, stream(event(1, "epoch 1", metrics={"train_loss": 0.5}), last_event(2)))
    lines = [f"[{entry['level']}] {entry['message']}" for entry in client.stream_training_logs("t1")]
    assert lines == ["[INFO] epoch 1", "[INFO] Task completed."]
    assert json.dumps(lines)
