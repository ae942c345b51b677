"""What the service says of itself."""

from fastapi import FastAPI
from fastapi.testclient import TestClient

from rfuav_ray.settings import Settings
from serve_app.gateway import Service
from serve_app.routes.service import health
from serve_app.view.task_view import TaskView
from tests.support.actor_handles import LocalHandle, no_streams


class TaskManager:
    async def resources(self):
        return {"device_usage": {}, "active_tasks": {}, "limits": {}, "gpu_info": {"available": False, "count": 0}}


def test_health_info_has_the_notices_of_the_start():
    app = FastAPI()
    app.include_router(health.router)
    notices = ["The task store was damaged."]
    settings = Settings(_env_file=None, environment="lab")
    app.state.service = Service(settings, TaskView(), no_streams(), LocalHandle(TaskManager()), notices)
    info = TestClient(app).get("/api/v1/info").json()
    assert (info["environment"], info["gpu_available"], info["notices"]) == ("lab", False, notices)
