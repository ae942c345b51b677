"""How the health is asked for, and how long an answer holds."""

import asyncio
import json

from serve_app.view.health_report import HealthReport
from serve_app.view.task_view import TaskView
from tests.support.actor_handles import no_streams

RESOURCES = {"device_usage": {}, "active_tasks": {}, "limits": {}, "gpu_info": {"available": False, "count": 0}}


class TaskManager:
    """Answers when it is told to; counts how often it was asked."""

    def __init__(self):
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.error = None

    async def resources(self):
        self.asked += 1
        await self.may_answer.wait()
        if self.error:
            raise self.error
        return RESOURCES


def a_report(manager):
    return HealthReport("1", TaskView(), no_streams(), manager.resources)


def test_health_report_those_who_ask_for_the_health_together_ask_the_task_manager_once():
    async def main():
        manager = TaskManager()
        report = a_report(manager)
        asking = [asyncio.create_task(report.healthy()) for _ in range(10)]
        await asyncio.sleep(0)
        manager.may_answer.set()
        answers = await asyncio.gather(*asking)
        assert manager.asked == 1 and len({answer.body for answer in answers}) == 1
        assert json.loads(answers[0].body)["status"] == "healthy"

    asyncio.run(main())


def test_health_report_a_task_manager_that_does_not_answer_is_not_covered_up_by_what_it_said_before(monkeypatch):
    async def main():
        manager = TaskManager()
        report = a_report(manager)
        manager.may_answer.set()
        assert await report.healthy() and report.cached_answer()
        monkeypatch.setattr("serve_app.view.health_report.FRESH_S", 0.0)
        assert report.cached_answer() is None
        manager.error = TimeoutError()
        assert await report.healthy() is None and report.cached_answer() is None

    asyncio.run(main())


def test_health_report_somebody_without_a_key_gets_less_of_the_same_answer():
    async def main():
        manager = TaskManager()
        manager.may_answer.set()
        report = a_report(manager)
        whole, open_to_all = await report.healthy(), await report.healthy(is_open=True)
        assert manager.asked == 1
        assert json.loads(whole.body).keys() - json.loads(open_to_all.body).keys() == {"resource_status"}
        assert report.cached_answer() == whole and report.cached_answer(is_open=True) == open_to_all
        assert whole.etag != open_to_all.etag

    asyncio.run(main())
