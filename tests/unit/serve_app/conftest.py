"""The application as clients see it, for tests of what all of its routes share."""

import pytest
from fastapi.testclient import TestClient

from rfuav_ray.settings import Settings
from serve_app.api import create_app, in_front
from serve_app.gateway import Service
from serve_app.view.task_view import TaskView
from tests.support.actor_handles import AcceptingTaskManager, no_streams


@pytest.fixture(scope="module")
def client_of_all(tmp_path_factory):
    """A client of the whole application, whose TaskManager accepts every task."""
    folder = tmp_path_factory.mktemp("api")
    settings = Settings(_env_file=None, data_roots=[folder], state_dir=folder / "state")
    app = create_app(settings)
    app.state.service = Service(settings, TaskView(), no_streams(), AcceptingTaskManager())
    return TestClient(in_front(app, settings), base_url="http://localhost", raise_server_exceptions=False)
