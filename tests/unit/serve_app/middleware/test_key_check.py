"""Which requests the keys let in, through the whole application."""

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.routing import Mount, Route

from rfuav_ray.settings import Settings
from serve_app.access.caller import CALLER
from serve_app.access.door import Door
from serve_app.access.guesses import BURST
from serve_app.access.scopes import needed_scope
from serve_app.api import create_app
from serve_app.error_answers import add_error_handlers
from serve_app.middleware.key_check import KeyCheck
from serve_app.routes.service import session

KEYS = ("one", "reader:read:first", "writer:write:second", "admin:admin:third")
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    """Hashes of keys that people choose are slow on purpose."""
    monkeypatch.setattr("serve_app.access.keys._SCRYPT", {"n": 2, "r": 8, "p": 1, "dklen": 32})


@pytest.fixture
def settings(tmp_path):
    return Settings(_env_file=None, api_keys=KEYS, state_dir=tmp_path)


@pytest.fixture
def client(settings):
    app = FastAPI()
    app.state.door = Door(settings)

    @app.get("/api/v1/health")
    @app.get("/secret")
    @app.get("/docs")
    @app.post("/api/v2/tasks")
    @app.post("/api/v2/resources/config")
    def who():
        return CALLER.get()

    app.include_router(session.router)
    add_error_handlers(app)
    return TestClient(KeyCheck(app, app.state.door))


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 401),
        ({"X-API-Key": "wrong"}, 401),
        ({"X-API-Key": ""}, 401),
        ({"X-API-Key": "one"}, 200),
        ({"X-API-Key": "second"}, 200),
        ({"X-API-Key": "writer:write:second"}, 401),
        ({"Authorization": "Bearer one"}, 200),
        ({"Authorization": "bearer  one"}, 200),
        ({"Authorization": "Basic one"}, 401),
        ({"Authorization": "Bearer"}, 401),
    ],
)
def test_key_check_a_known_key_opens_the_routes(client, headers, code):
    answer = client.get("/secret", headers=headers)
    assert answer.status_code == code
    if code == 401:
        assert answer.json()["status"] == "error" and answer.headers["www-authenticate"] == "Bearer"


def test_key_check_health_needs_no_key_and_knows_the_caller(client):
    assert client.get("/api/v1/health").json() == [None, None]
    assert client.get("/api/v1/health", headers={"X-API-Key": "wrong"}).json() == [None, None]
    assert client.get("/api/v1/health", headers={"X-API-Key": "second"}).json() == ["writer", 2]


@pytest.mark.parametrize(
    ("key", "codes"), [("first", (200, 403, 403)), ("second", (200, 200, 403)), ("third", (200, 200, 200))]
)
def test_key_check_scopes(client, key, codes):
    headers = {"X-API-Key": key}
    answers = [
        client.get("/secret", headers=headers),
        client.post("/api/v2/tasks", headers=headers),
        client.post("/api/v2/resources/config", headers=headers),
    ]
    assert tuple(answer.status_code for answer in answers) == codes


def test_key_check_a_refusal_names_the_key_and_both_scopes(client):
    message = client.post("/api/v2/tasks", headers={"X-API-Key": "first"}).json()["message"]
    assert message == "The key 'reader' has the scope 'read'. This needs the scope 'write'."


def test_key_check_many_wrong_keys_are_slowed_down_and_keys_in_use_are_not(client):
    assert client.get("/secret", headers={"X-API-Key": "one"}).status_code == 200
    codes = [client.get("/secret", headers={"X-API-Key": f"wrong{n}"}).status_code for n in range(BURST + 2)]
    assert codes == [401] * BURST + [429] * 2
    late = client.get("/secret", headers={"X-API-Key": "second"})  # right, and not tried
    assert late.status_code == 429 and 1 <= int(late.headers["retry-after"]) <= 6
    assert client.post("/api/v1/session", json={"key": "second"}).status_code == 429
    assert client.get("/secret", headers={"X-API-Key": "one"}).status_code == 200
    assert client.get("/secret").status_code == 401
    assert client.get("/api/v1/health", headers={"X-API-Key": "wrong"}).status_code == 200


def test_key_check_wrong_keys_at_the_open_routes_count_too(client):
    for _ in range(BURST):
        client.get("/api/v1/health", headers={"X-API-Key": "wrong"})
    assert client.get("/api/v1/health", headers={"X-API-Key": "second"}).json() == [None, None]
    assert client.get("/secret", headers={"X-API-Key": "second"}).status_code == 429


def test_key_check_many_right_keys_are_no_guesses(client):
    for key in ("one", "first", "second", "third") * 5:
        assert client.get("/secret", headers={"X-API-Key": key}).status_code == 200


def test_key_check_a_session_takes_the_place_of_a_key(client):
    signed_in = client.post("/api/v1/session", json={"key": "first"})
    assert signed_in.json() == {"name": "reader", "scope": "read"}
    cookie = signed_in.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie and "Secure" not in cookie
    assert client.get("/api/v1/session").json() == {"name": "reader", "scope": "read"}
    assert client.get("/docs", headers=BROWSER).status_code == 200
    assert client.post("/api/v2/tasks").status_code == 403
    # The key of a header counts, as it always did.
    assert client.post("/api/v2/tasks", headers={"X-API-Key": "second"}).status_code == 200
    assert client.get("/secret", headers={"X-API-Key": "wrong"}).status_code == 401
    assert client.delete("/api/v1/session").status_code == 200
    assert client.get("/api/v1/session").status_code == 401


def test_key_check_the_cookie_of_a_request_by_https_is_secure(client):
    headers = {"X-Forwarded-Proto": "https"}
    answer = client.post("/api/v1/session", json={"key": "first"}, headers=headers)
    assert "Secure" in answer.headers["set-cookie"]


def test_key_check_a_wrong_key_does_not_sign_in(client):
    answer = client.post("/api/v1/session", json={"key": "wrong"})
    assert answer.status_code == 401 and "set-cookie" not in answer.headers
    assert client.post("/api/v1/session", json={}).status_code == 422


def test_key_check_a_browser_gets_a_page_to_sign_in(client):
    answer = client.get("/docs", headers=BROWSER)
    assert answer.status_code == 401 and answer.headers["content-type"].startswith("text/html")
    assert client.get("/docs").headers["content-type"] == "application/json"
    assert client.get("/secret", headers=BROWSER).headers["content-type"] == "application/json"


def routes_of(routes, prefix=""):
    """Every method and path of the application, also of the routers in it."""
    for route in routes:
        if isinstance(route, (APIRoute, Route)):
            yield from ((method, prefix + route.path) for method in route.methods)
        elif isinstance(route, Mount):
            yield "GET", f"{prefix}{route.path}/file"
        else:
            inner = route.original_router
            yield from routes_of(inner.routes, prefix)


def test_key_check_every_route_needs_the_scope_that_it_declares(settings):
    found = {}
    for method, path in routes_of(create_app(settings).routes):
        scope = needed_scope(method, path)
        found.setdefault(scope.word if scope else None, set()).add(f"{method} {path}")
    assert found[None] == {"GET /api/v1/health", "POST /api/v1/session", "GET /static/file"}
    assert found["admin"] == {"POST /api/v2/resources/config"}
    assert found["write"] == {
        "DELETE /api/v2/tasks/{task_id}",
        *(f"POST /api/v2/{kind}/start" for kind in ("training", "inference", "evaluation")),
        *(f"POST /api/v2/preprocessing/{kind}" for kind in ("split", "augment", "crop", "spectrogram", "audit")),
        "POST /api/v2/inference/batch",
        "POST /api/v2/training/{task_id}/stop",
        "POST /api/v2/preprocessing/{task_id}/cancel",
        *(f"POST /api/v2/tasks/{{task_id}}/{action}" for action in ("cancel", "priority")),
    }
    reads = found["read"] - {"DELETE /api/v1/session"}
    assert len(reads) > 20 and all(route.startswith(("GET ", "HEAD ")) for route in reads)
