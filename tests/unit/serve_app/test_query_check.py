import pytest
from fastapi.testclient import TestClient

from rfuav_ray.settings import Settings
from serve_app.api import create_app, in_front
from serve_app.gateway import Service
from serve_app.view.task_view import TaskView
from tests.support.actor_handles import AcceptingTaskManager, no_streams


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("query_check")
    settings = Settings(_env_file=None, data_roots=[folder], state_dir=folder / "state")
    app = create_app(settings)
    app.state.service = Service(settings, TaskView(), no_streams(), AcceptingTaskManager())
    return TestClient(in_front(app, settings), base_url="http://localhost", raise_server_exceptions=False)


@pytest.mark.parametrize("query", ["limit=1&limit=2", "limit=2&offset=0&limit=2", "limit=x&limit=%C2%A07"])
def test_query_check_refuses_a_parameter_that_is_given_twice(client, query):
    answer = client.get(f"/api/v2/tasks?{query}")
    assert answer.status_code == 422
    assert "limit" in {problem["field"] for problem in answer.json()["errors"]}


def test_query_check_says_how_often_it_is_given(client):
    answer = client.get("/api/v2/tasks?limit=1&limit=2&limit=3")
    assert answer.json()["message"] == "limit: is given 3 times; give it once."


@pytest.mark.parametrize("query", ["", "limit=2&offset=1", "unknown=1&unknown=2"])
def test_query_check_lets_the_rest_in(client, query):
    assert client.get(f"/api/v2/tasks?{query}").status_code == 200
