import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from serve_app.middleware.at_root import AtRoot


@pytest.fixture
def app():
    api = FastAPI()

    @api.put("/api/v1/resources/limits")
    def limits():
        return {}

    return AtRoot(api)


@pytest.mark.parametrize("path", ["/api/v1/resources/limits", "/lab/api/v1/resources/limits"])
def test_at_root_nothing_is_answered_below_a_prefix(app, path):
    answer = TestClient(app, root_path="/lab").put(path)
    assert answer.status_code == 503 and "route_prefix" in answer.json()["message"]
    assert "'/lab'" in answer.json()["message"]


def test_at_root_everything_is_answered_at_the_root(app):
    assert TestClient(app).put("/api/v1/resources/limits").status_code == 200
