import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from serve_app.middleware.key_check import KeyCheck


def client_with(*keys):
    app = FastAPI()

    @app.get("/api/v1/health")
    @app.get("/secret")
    def read():
        return "seen"

    return TestClient(KeyCheck(app, keys=keys))


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 401),
        ({"X-API-Key": "wrong"}, 401),
        ({"X-API-Key": ""}, 401),
        ({"X-API-Key": "two"}, 200),
        ({"Authorization": "Bearer one"}, 200),
        ({"Authorization": "bearer  one"}, 200),
        ({"Authorization": "Basic one"}, 401),
        ({"Authorization": "Bearer"}, 401),
    ],
)
def test_key_check_a_known_key_opens_the_routes(headers, code):
    answer = client_with("one", "two").get("/secret", headers=headers)
    assert answer.status_code == code
    if code == 401:
        assert answer.json()["status"] == "error"


def test_key_check_health_needs_no_key():
    assert client_with("one").get("/api/v1/health").status_code == 200
