"""When backups are made, and how the tasks of a restored one go on."""

import asyncio
import logging

import pytest

from actors.runs.supervisor import RunSupervisor
from actors.store import backup_schedule as timing
from actors.store.backup import back_up, backup_folder, backups
from actors.store.backup_schedule import Backups
from actors.store.row import record_of
from actors.store.setup import prepare_store
from rfuav_ray.errors import TaskNotFound
from rfuav_ray.tasks import TaskStatus
from tests.support.damaged_files import contents, restore, url_of
from tests.support.sample_tasks import a_task, run_of
from tests.support.waiting import until


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "state" / "rfuav.db"
    prepare_store(url_of(file))
    return file


@pytest.fixture
def without_pause(monkeypatch):
    monkeypatch.setattr(timing, "EVERY_S", 0.0)
    monkeypatch.setattr(timing, "FIRST_AFTER_S", 0.0)


class Supervisor(RunSupervisor):
    """One that knows no run, as after a restart of everything. Its runs last for ever."""

    def __init__(self):
        super().__init__()
        self.started = []

    async def run(self, spec, ray_options, task_manager_actor, more=()):
        self.started.append(spec.run_id)
        await asyncio.Event().wait()


async def submit(manager, *tasks):
    answers = await manager.submit_batch([[task.model_dump_json()] for task in tasks])
    assert [answer[0].id for answer in answers] == [task.id for task in tasks]


def test_backup_schedule_are_repeated_while_the_service_runs(file, without_pause):
    async def scenario():
        repeating = Backups(url_of(file))
        repeating.begin()
        for _ in range(2):
            await until(lambda: backups(file))
            backups(file)[0].unlink(missing_ok=True)
        await until(lambda: backups(file))
        return backups(file)

    assert asyncio.run(scenario())


def test_backup_schedule_the_first_one_waits_until_the_newest_is_old_enough(file, monkeypatch):
    monkeypatch.setattr(timing, "FIRST_AFTER_S", 0.0)
    old = back_up(file).rename(backup_folder(file) / "rfuav-20260101T000000Z.db")

    async def scenario():
        Backups(url_of(file)).begin()
        await until(lambda: backups(file)[-1] != old)
        return backups(file)

    assert asyncio.run(scenario())[0] == old


def test_backup_schedule_that_fail_are_said_and_tried_again(file, without_pause, caplog):
    backup_folder(file).touch()

    async def scenario():
        Backups(url_of(file)).begin()
        await until(lambda: "no backup of the task store: Backups cannot be kept" in caplog.text)
        backup_folder(file).unlink()
        await until(lambda: backups(file))
        return backups(file)

    with caplog.at_level(logging.WARNING, timing.__name__):
        made = asyncio.run(scenario())
    assert made and "Backups cannot be kept" in caplog.text


def test_backup_schedule_goes_on_after_an_error_that_nobody_expected(file, without_pause, monkeypatch, caplog):
    newest, bugs = timing.newest_moment, [ZeroDivisionError("a bug")]

    def fail_at_first(file):
        if bugs:
            raise bugs.pop()
        return newest(file)

    monkeypatch.setattr(timing, "newest_moment", fail_at_first)

    async def scenario():
        Backups(url_of(file)).begin()
        await until(lambda: backups(file))

    asyncio.run(scenario())
    assert "the hourly backup failed and is started again" in caplog.text


def test_backup_schedule_a_stop_makes_one_with_every_task(play, file):
    async def scenario(manager, logs):
        await submit(manager, a_task(1))
        await manager.stop(0)
        assert [row.id for row in contents(backups(file)[-1])[0]] == ["task-1"]

    play(scenario, Supervisor())


def test_backup_schedule_a_stop_does_not_wait_long_for_one(file, monkeypatch, caplog):
    monkeypatch.setattr(timing, "STOP_WITHIN_S", 0.0)
    asyncio.run(Backups(url_of(file)).last())
    assert "no backup of the task store at the stop: it takes longer than 0 s" in caplog.text


def test_backup_schedule_of_a_server_are_left_to_its_operator():
    async def scenario():
        one = Backups("postgresql+psycopg://user@host/database")
        one.begin()
        await one.last()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(scenario())


def test_backup_schedule_the_tasks_of_a_restored_one_go_on_and_later_ones_are_unknown(play, file):
    first, second = Supervisor(), Supervisor()

    async def until_the_damage(manager, logs):
        await submit(manager, a_task(1), a_task(2))
        await until(lambda: {run_of("task-1"), run_of("task-2")} <= set(first.started))
        await asyncio.to_thread(back_up, file)
        await manager.cancel("task-2")
        await submit(manager, a_task(3))

    async def after_it(manager, logs):
        await until(lambda: {run_of("task-1", 2), run_of("task-2", 2)} <= set(second.started))
        for number in (1, 2):
            task = record_of(await manager.get(f"task-{number}"))
            assert (task.status, task.attempt) == (TaskStatus.RUNNING, 2)
        with pytest.raises(TaskNotFound):
            await manager.get("task-3")
        await submit(manager, a_task(3))
        assert (await manager.get("task-3")).number == 3
        assert "Task accepted" in logs.messages("task-3")[0]

    play(until_the_damage, first)
    file.unlink()  # connections of the first life still have the old file, and may write into it
    file.write_bytes(b"garbage")
    assert "took its place" in restore(file)
    play(after_it, second)
