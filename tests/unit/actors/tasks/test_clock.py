"""A clock that is set forward and back by an hour, at each step of a task's life; the supervisor is played."""

import asyncio
from datetime import datetime, timedelta

import pytest

from actors.runs.spec import Outcome, Progress, RunReport
from actors.store.backup import back_up, backups
from actors.store.row import record_of
from rfuav_ray import tasks
from rfuav_ray.api.responses import task_response
from rfuav_ray.tasks import TaskStatus
from tests.support.damaged_files import make_store
from tests.support.sample_tasks import a_task, run_of

HOUR = timedelta(hours=1)


class Clock:
    """In place of the class `datetime` where the service reads the time of day."""

    def __init__(self):
        self.offset = timedelta()

    def now(self, zone):
        return datetime.now(zone) + self.offset


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr(tasks, "datetime", found)
    return found


class Supervisor:
    def __init__(self):
        self.started, self.is_over = asyncio.Event(), asyncio.Event()

    async def run(self, spec, options, task_manager_actor, more=()):
        self.started.set()
        await self.is_over.wait()
        return Outcome("failed", error="It is over.")


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
@pytest.mark.parametrize("step", ["before the start", "while it runs", "before its end"])
def test_clock_a_task_lives_through_a_jump(play, clock, tmp_path, jump, step):
    supervisor = Supervisor()

    async def scenario(manager, logs):
        def jump_at(reached):
            if step == reached:
                clock.offset += jump

        task = a_task(request={"save_path": str(tmp_path / "out")})
        jump_at("before the start")
        await manager.submit_batch([[task.model_dump_json()]])
        await supervisor.started.wait()
        for percent in (10.0, 20.0):
            report = RunReport(run_of("task-1"), "task-1", 0, [], Progress(percent=percent))
            answer = await manager.report(report)
            assert answer.instruction == "continue"
            eta_s = task_response(manager.table.get("task-1"), queue_position=None).eta_seconds
            assert eta_s is not None and eta_s >= 0
            jump_at("while it runs")
        jump_at("before its end")
        supervisor.is_over.set()
        await logs.when_ended()
        ended = record_of(await manager.get("task-1"))
        assert ended.status is TaskStatus.FAILED
        assert ended.started_at and ended.created_at <= ended.started_at <= ended.updated_at == ended.ended_at

    play(scenario, supervisor)


def test_clock_the_newest_backup_stays_the_newest_when_the_clock_is_set_back(tmp_path, clock):
    file = tmp_path / "rfuav.db"
    make_store(file)
    made = [back_up(file)]
    clock.offset -= HOUR
    made += [back_up(file), back_up(file)]
    assert backups(file) == made
    clock.offset += 2 * HOUR
    made.append(back_up(file))
    assert backups(file) == made
