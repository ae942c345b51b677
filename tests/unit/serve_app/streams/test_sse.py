"""The streams over the MetricsActor, a feed and a store, without Ray: the actors are plain objects."""

import asyncio
import json

import pytest
from ray.exceptions import ActorDiedError, RayTaskError

from actors.events.follow import follow
from actors.events.window import WINDOW
from actors.store.setup import prepare_store
from actors.store.store import database_url
from rfuav_ray.errors import ServiceBusy
from rfuav_ray.tasks import TaskStatus
from serve_app.streams import sse
from serve_app.streams.sse import TaskStreams
from serve_app.view.task_view import TaskView
from tests.support.actor_handles import LocalHandle
from tests.support.metrics import FeedOfTasks, metrics_actor
from tests.support.waiting import others_had_their_turn

WITHIN_S = 30
ENDED = TaskStatus.COMPLETED


class Replica:
    """The streams of a replica that follows a MetricsActor."""

    def __init__(self, actor):
        self.view = TaskView()
        self.streams = TaskStreams(LocalHandle(actor), self.view)
        self.following = asyncio.create_task(follow(LocalHandle(actor), self.view.apply))


@pytest.fixture
def tasks(tmp_path):
    prepare_store(database_url("", tmp_path))
    return FeedOfTasks(tmp_path)


@pytest.fixture
def play(tasks, tmp_path):
    """Run a scenario with a replica that has the whole feed."""

    def run(scenario, actor=None):
        async def main():
            replica = Replica(actor or metrics_actor(tasks, tmp_path))
            await replica.view.is_ready.wait()
            return await scenario(replica)

        return asyncio.run(asyncio.wait_for(main(), WITHIN_S))

    return run


async def collect(replica, after=0):
    return parse([text async for text in replica.streams.stream("task", after)])


async def shown(replica, last_sequence):
    """Wait until the replica shows this event."""
    is_shown = asyncio.Event()

    def look(*_):
        if replica.view.copy.row("task").last_sequence >= last_sequence:
            is_shown.set()

    replica.view.on_change.append(look)
    replica.view.on_new_copy.append(look)
    look()
    await is_shown.wait()


def parse(texts):
    """A text holds one event or more, or a heartbeat."""
    events = [event for event in "".join(texts).split("\n\n") if event and not event.startswith(":")]
    lines = [event.split("\n") for event in events]
    return [(int(n.removeprefix("id: ")), json.loads(data.removeprefix("data: "))["message"]) for n, data in lines]


def test_sse_every_client_sees_everything_once_early_late_and_reconnecting(tasks, play):
    tasks.write("task")

    async def scenario(replica):
        early = asyncio.create_task(collect(replica))
        await asyncio.sleep(0)
        tasks.write("task", *"123")
        await shown(replica, 3)
        late, back = asyncio.create_task(collect(replica)), asyncio.create_task(collect(replica, after=2))
        await asyncio.sleep(0)
        tasks.write("task", *"45")
        tasks.write("task", "end", status=ENDED)
        results = await asyncio.gather(early, late, back)
        assert replica.streams.client_count == 0
        return results

    early, late, back = play(scenario)
    assert early == [(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5"), (6, "end")]
    assert late == early and back == early[2:]


def test_sse_a_client_far_behind_the_others_still_gets_everything(tasks, play):
    count = WINDOW * 3
    tasks.write("task")

    async def scenario(replica):
        first = asyncio.create_task(collect(replica, after=count - 1))
        for _ in range(3):
            tasks.write("task", *["x"] * WINDOW)
        behind = asyncio.create_task(collect(replica))
        tasks.write("task", "end", status=ENDED)
        return await asyncio.gather(first, behind)

    first, behind = play(scenario)
    assert [number for number, _ in behind] == list(range(1, count + 2))
    assert [number for number, _ in first] == [count, count + 1]


def test_sse_new_events_need_no_store(tasks, play, monkeypatch):
    def fail(*_):
        raise AssertionError("the store was read")

    tasks.write("task")

    async def scenario(replica):
        monkeypatch.setattr("actors.store.store.Store.read_events", fail)
        client = asyncio.create_task(collect(replica))
        await asyncio.sleep(0)
        tasks.write("task", *"12")
        await shown(replica, 2)
        tasks.write("task", "end", status=ENDED)
        return await client

    assert play(scenario) == [(1, "1"), (2, "2"), (3, "end")]


def test_sse_the_last_event_and_the_ended_task_are_shown_together(tasks, play):
    tasks.write("task", "1")

    async def scenario(replica):
        stream = replica.streams.stream("task", 0)
        assert parse([await anext(stream)]) == [(1, "1")]
        tasks.write("task", "end", status=ENDED)
        assert parse([await anext(stream)]) == [(2, "end")]
        return replica.view.copy.row("task").status

    assert play(scenario) == ENDED.value


def test_sse_events_that_the_replica_does_not_show_yet_are_not_read(tasks, play):
    tasks.write("task", "1")

    async def scenario(replica):
        replica.following.cancel()
        tasks.write("task", "end", status=ENDED)
        history = await replica.streams.history("task", 0, 10)
        return len(history), replica.streams.position("task", 1)

    assert play(scenario) == (1, 1)


def test_sse_a_silent_stream_says_that_it_lives(tasks, play, monkeypatch):
    monkeypatch.setattr(sse, "HEARTBEAT_S", 0.01)
    tasks.write("task")
    assert play(lambda replica: anext(replica.streams.stream("task", 0))).startswith(":")


def test_sse_a_client_that_leaves_is_forgotten(tasks, play):
    tasks.write("task", "1")

    async def scenario(replica):
        stream = replica.streams.stream("task", 0)
        await anext(stream)
        assert replica.streams.client_count == 1
        await stream.aclose()
        return replica.streams.client_count

    assert play(scenario) == 0


def test_sse_a_service_that_stops_ends_its_streams_after_what_is_there_and_refuses_new_ones(tasks, play):
    tasks.write("task", "1", "2")

    async def scenario(replica):
        stream = replica.streams.stream("task", 0)
        texts = [await anext(stream)]
        tasks.feed.end()
        texts += [text async for text in stream]
        with pytest.raises(ServiceBusy, match="stopping"):
            replica.streams.refuse_when_over()
        return parse(texts)

    assert play(scenario) == [(1, "1"), (2, "2")]


def test_sse_deleting_a_task_ends_its_streams_and_a_new_task_with_its_id_has_a_new_one(tasks, play):
    tasks.write("task", "old")

    async def scenario(replica):
        old = replica.streams.stream("task", 0)
        seen = [await anext(old)]
        tasks.delete("task")
        tasks.write("task", "new", number=2)
        first = parse([*seen, *[text async for text in old]])
        new = asyncio.create_task(collect(replica))
        tasks.write("task", "end", number=2, status=ENDED)
        return first, await new

    assert play(scenario) == ([(1, "old")], [(1, "new"), (2, "end")])


def test_sse_a_change_that_the_replica_knows_before_the_feed_sends_no_stream_to_the_store(tasks, play):
    """As after a change of the priority: the answer has the new row, the feed brings its event."""
    tasks.write("task", "1")

    async def scenario(replica):
        stream = replica.streams.stream("task", 0)
        texts = [await anext(stream)]
        waiting = asyncio.create_task(anext(stream))
        await others_had_their_turn()
        replica.streams._metrics_actor = None  # noqa: SLF001  (reading the store would fail)
        row = replica.view.copy.row("task")
        replica.view.put(row._replace(version=row.version + 1, last_sequence=2))
        await others_had_their_turn()
        tasks.write("task", "2")
        return parse([*texts, await waiting])

    assert play(scenario) == [(1, "1"), (2, "2")]


def test_sse_a_stream_continues_when_the_feed_starts_over(tasks, play):
    tasks.write("task", "1")

    async def scenario(replica):
        client = asyncio.create_task(collect(replica))
        await asyncio.sleep(0)
        before = tasks.feed
        tasks.feed = type(before)()
        tasks.write("task", "2")
        before.wake()
        await shown(replica, 2)
        tasks.write("task", "end", status=ENDED)
        return await client

    assert play(scenario) == [(1, "1"), (2, "2"), (3, "end")]


def test_sse_the_position_of_a_client_is_known(tasks, play):
    tasks.write("task", "1")

    async def scenario(replica):
        alive = [replica.streams.position("task", after) for after in (0, 1, 99_999)]
        tasks.write("task", "end", status=ENDED)
        await shown(replica, 2)
        return alive, [replica.streams.position("task", after) for after in (0, 1, 2, 99_999)]

    assert play(scenario) == ([0, 1, 1], [0, 1, None, None])


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RayTaskError("read", "", ServiceBusy("The database fails.", 5)), "The database fails."),
        (ActorDiedError(), "The log cannot be read now. Try again."),
    ],
)
def test_sse_a_log_that_nobody_can_read_now_is_refused_after_a_while(tasks, play, monkeypatch, error, said):
    monkeypatch.setattr(sse, "READS_WAIT_S", 0.1)
    monkeypatch.setattr(sse, "RETRY_S", 0.01)
    tasks.write("task", "1")

    class Away:
        changes = staticmethod(tasks.changes)

        async def history(self, *_):
            raise error

    with pytest.raises(ServiceBusy, match=said):
        play(lambda replica: replica.streams.history("task", 0, 10), Away())
