"""The MetricsActor and the streams together, without Ray: the actor is a plain class."""

import asyncio
import json
from contextlib import aclosing

import pytest
from ray.exceptions import ActorDiedError, RayTaskError

from actors.events.event_log import WINDOW, EventLog, EventReport
from actors.store.setup import prepare_store
from actors.store.store import Store, database_url
from rfuav_ray.errors import ServiceBusy
from rfuav_ray.tasks import TaskStatus
from serve_app.streams import sse
from serve_app.streams.sse import EventReader, TaskStreams
from serve_app.view.task_view import TaskView
from tests.support.actor_handles import LocalHandle
from tests.support.metrics import metrics_actor
from tests.support.sample_tasks import a_row
from tests.support.store_writes import watched_writes

FINAL = {"message": "end", "stage": "completed", "status": "completed"}


@pytest.fixture
def writes(monkeypatch):
    return watched_writes(monkeypatch, "append_events")


@pytest.fixture
def actor(tmp_path):
    prepare_store(database_url("", tmp_path))
    return metrics_actor(tmp_path)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 30))


def streams_of(actor, view=None):
    return TaskStreams(EventReader(LocalHandle(actor), (view or TaskView()).until_ended))


async def collect(streams, after=0):
    return [text async for text in streams.stream("task", after)]


def parse(texts):
    """A text holds one event or more, or a heartbeat."""
    events = [event for event in "".join(texts).split("\n\n") if event and not event.startswith(":")]
    lines = [event.split("\n") for event in events]
    return [(int(number.removeprefix("id: ")), json.loads(data.removeprefix("data: "))) for number, data in lines]


def entries(first, last):
    return [{"message": str(number)} for number in range(first, last + 1)]


def test_sse_every_client_sees_everything_once_early_late_and_reconnecting(actor):
    async def main():
        streams = streams_of(actor)
        early = asyncio.create_task(collect(streams))
        await actor.append(EventReport("task", "run", 0, entries(1, 3)))
        late = asyncio.create_task(collect(streams))
        back = asyncio.create_task(collect(streams, after=2))
        await actor.append(EventReport("task", "run", 3, entries(4, 5)))
        await actor.append(EventReport("task", "manager", 0, [FINAL]))
        results = await asyncio.gather(early, late, back)
        assert streams.client_count == 0
        return results

    early, late, back = (parse(texts) for texts in run(main()))
    assert [number for number, _ in early] == [1, 2, 3, 4, 5, 6]
    assert late == early
    assert back == early[2:]


def test_sse_a_client_far_behind_the_others_still_gets_everything(actor):
    async def main():
        streams = streams_of(actor)
        first = asyncio.create_task(collect(streams, after=WINDOW * 3 - 1))
        for begin in range(0, WINDOW * 3, WINDOW):
            await actor.append(EventReport("task", "run", begin, entries(begin + 1, begin + WINDOW)))
        behind = asyncio.create_task(collect(streams))
        await actor.append(EventReport("task", "manager", 0, [FINAL]))
        return await asyncio.gather(first, behind)

    first, behind = (parse(texts) for texts in run(main()))
    assert [number for number, _ in behind] == list(range(1, WINDOW * 3 + 2))
    assert [number for number, _ in first] == [WINDOW * 3, WINDOW * 3 + 1]


@pytest.fixture
def held(actor, monkeypatch):
    """`held(way)`: what a way to read the end of a log gives, which waits for the end of the task's record."""
    monkeypatch.setattr(sse, "END_WAIT_S", 1000)

    async def main(way, release):
        view = TaskView()
        view.put(a_row(1, id="task", status=TaskStatus.RUNNING))
        streams = streams_of(actor, view)
        await actor.append(EventReport("task", "run", 0, entries(1, 3)))
        async with aclosing(streams.stream("task", 2)) as follower:
            await anext(follower)
            await actor.append(EventReport("task", "manager", 0, [FINAL]))
            reading = asyncio.create_task(way(streams, follower))
            assert not (await asyncio.wait({reading}, timeout=0.2))[0]
            release(view, streams)
            return await reading

    return lambda way, release=ends: run(main(way, release))


def ends(view, _streams):
    view.put(a_row(1, id="task", status=TaskStatus.COMPLETED, version=9))


async def keeps_up(_streams, follower):
    return [entry for _, entry in parse([text async for text in follower])]


async def is_far_behind(streams, _follower):
    return [entry for _, entry in parse(await collect(streams))][3:]


async def reads_the_history(streams, _follower):
    return [json.loads(entry) for entry in await streams.history("task", 3, 10)]


@pytest.mark.parametrize("way", [keeps_up, is_far_behind, reads_the_history])
def test_sse_the_end_of_a_log_waits_for_the_end_of_its_task(held, way):
    assert held(way) == [FINAL]


def test_sse_a_client_that_has_seen_the_end_is_not_told_so_before_its_task_ends(held):
    assert held(lambda streams, _: streams.position("task", 4)) is None


def test_sse_what_is_before_the_end_of_a_log_waits_for_nothing(actor):
    async def main():
        view = TaskView()
        view.put(a_row(1, id="task", status=TaskStatus.RUNNING))
        await actor.append(EventReport("task", "manager", 0, [*entries(1, 3), FINAL]))
        streams = streams_of(actor, view)
        return await streams.position("task", 3), await streams.history("task", 0, 3)

    position, history = run(main())
    assert position == 3 and len(history) == 3


def test_sse_a_deleted_task_holds_nothing(held):
    assert held(reads_the_history, lambda view, _: view.drop("task")) == [FINAL]


def test_sse_a_service_that_stops_ends_streams_whose_end_is_held(held):
    assert held(keeps_up, lambda _, streams: streams.end()) == []


def test_sse_the_end_of_a_log_does_not_wait_for_ever(actor, monkeypatch):
    monkeypatch.setattr(sse, "END_WAIT_S", 0.05)

    async def main():
        view = TaskView()
        view.put(a_row(1, id="task", status=TaskStatus.RUNNING))
        await actor.append(EventReport("task", "manager", 0, [FINAL]))
        return await collect(streams_of(actor, view))

    assert [entry for _, entry in parse(run(main()))] == [FINAL]


def test_sse_an_end_that_is_stored_and_not_shown_yet_is_the_last(actor, monkeypatch):
    stored = [(1, json.dumps({"message": "1"})), (2, json.dumps(FINAL))]

    async def main():
        await actor.append(EventReport("task", "run", 0, entries(1, 1)))
        monkeypatch.setattr(EventLog, "read", lambda *_: None)
        monkeypatch.setattr(Store, "read_events", lambda *_: stored)
        return await actor.read("task", 0, 10)

    assert run(main()).is_last


def test_sse_a_silent_stream_says_that_it_lives(actor, monkeypatch):
    monkeypatch.setattr(sse, "HEARTBEAT_S", 0.01)

    async def main():
        streams = streams_of(actor)
        return await anext(streams.stream("task", 0))

    assert run(main()).startswith(":")


def test_sse_a_client_that_leaves_is_forgotten(actor):
    async def main():
        streams = streams_of(actor)
        await actor.append(EventReport("task", "run", 0, entries(1, 1)))
        stream = streams.stream("task", 0)
        await anext(stream)
        assert streams.client_count == 1
        await stream.aclose()
        return streams.client_count

    assert run(main()) == 0


def test_sse_a_service_that_stops_ends_its_streams_after_what_is_there_and_refuses_new_ones(actor):
    async def main():
        streams = streams_of(actor)
        await actor.append(EventReport("task", "run", 0, entries(1, 2)))
        stream = streams.stream("task", 0)
        texts = [await anext(stream)]
        streams.end()
        with pytest.raises(ServiceBusy, match="stopping"):
            streams.refuse_when_over()
        return texts + [text async for text in stream]

    assert [number for number, _ in parse(run(main()))] == [1, 2]


def test_sse_deleting_a_task_ends_its_streams(actor):
    async def main():
        streams = streams_of(actor)
        await actor.append(EventReport("task", "run", 0, entries(1, 1)))
        reading = asyncio.create_task(collect(streams))
        await asyncio.sleep(0.05)
        streams.drop("task")
        return await reading

    assert len(run(main())) == 1


def _disk_full(*_):
    raise OSError("disk full")


def test_sse_the_position_of_a_client_is_known(actor):
    async def main():
        streams = streams_of(actor)
        await actor.append(EventReport("task", "run", 0, entries(1, 1)))
        alive = [await streams.position("task", after) for after in (0, 1, 99_999)]
        await actor.append(EventReport("task", "manager", 0, [FINAL]))
        ended = [await streams.position("task", after) for after in (0, 1, 2, 99_999)]
        return alive, ended

    assert run(main()) == ([0, 1, 1], [0, 1, None, None])


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            RayTaskError("read", "", ServiceBusy("The database does not answer.", 5)),
            "The database does not answer.",
        ),
        (ActorDiedError(), "The log cannot be read now. Try again."),
    ],
)
def test_sse_a_log_that_nobody_can_read_now_is_refused_after_a_while(monkeypatch, error, said):
    class Away:
        async def read(self, *_):
            raise error

    monkeypatch.setattr(sse, "READS_WAIT_S", 0.1)
    monkeypatch.setattr(sse, "RETRY_S", 0.01)
    streams = streams_of(Away())
    for asking in (streams.history, streams.position):
        arguments = ("task", 0, 10) if asking == streams.history else ("task", 0)
        with pytest.raises(ServiceBusy, match=said):
            run(asking(*arguments))
