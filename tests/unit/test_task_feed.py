import asyncio

from actors.task_feed import TaskFeed
from rfuav_ray.tasks import TaskRecord, now


def a_task(task_id, version):
    return TaskRecord(
        id=task_id,
        kind="training",
        request={},
        priority=5,
        number=1,
        version=version,
        wanted_device="cpu",
        created_at=now(),
        updated_at=now(),
    )


def read(feed, after=0, incarnation=None, wait_s=0.0):
    return asyncio.run(feed.read(incarnation or feed._incarnation, after, wait_s))


def test_a_reader_gets_what_changed_behind_its_version_once():
    feed = TaskFeed()
    feed.publish("a", a_task("a", 1))
    feed.publish("b", a_task("b", 2))
    first = read(feed)
    assert {task.id for task in first.tasks} == {"a", "b"}
    feed.publish("a", a_task("a", 3))
    feed.publish("b", None)
    second = read(feed, first.version)
    assert [(task.id, task.version) for task in second.tasks] == [("a", 3)]
    assert second.deleted == ["b"]
    assert read(feed, second.version).tasks == []


def test_a_reader_of_an_earlier_life_gets_everything():
    feed = TaskFeed()
    feed.publish("a", a_task("a", 1))
    page = read(feed, after=99, incarnation="earlier")
    assert [task.id for task in page.tasks] == ["a"] and page.incarnation != "earlier"


def test_an_older_state_that_comes_late_is_not_shown():
    feed = TaskFeed()
    feed.publish("a", a_task("a", 5))
    feed.publish("a", a_task("a", 4))
    assert [task.version for task in read(feed).tasks] == [5]


def test_a_waiting_reader_is_woken_by_a_change():
    async def main():
        feed = TaskFeed()
        start = await feed.read("", 0, 0)
        waiting = asyncio.create_task(feed.read(start.incarnation, start.version, 30))
        await asyncio.sleep(0)
        feed.publish("a", a_task("a", 1))
        return await asyncio.wait_for(waiting, 5)

    assert [task.id for task in asyncio.run(main()).tasks] == ["a"]


def test_a_reader_that_waits_in_vain_gets_an_empty_page():
    feed = TaskFeed()
    assert read(feed, wait_s=0.01).tasks == []
