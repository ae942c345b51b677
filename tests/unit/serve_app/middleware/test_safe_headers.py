import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, StreamingResponse
from fastapi.testclient import TestClient

from serve_app.middleware.safe_headers import SafeHeaders


@pytest.fixture
def client():
    app = FastAPI()

    @app.get("/html")
    def html():
        return HTMLResponse("<script>alert(1)</script>")

    @app.get("/page")
    def page():
        return HTMLResponse("", headers={"Content-Security-Policy": "script-src 'self'"})

    @app.get("/stream")
    def stream():
        return StreamingResponse(iter(["one", "two"]))

    return TestClient(SafeHeaders(app))


@pytest.mark.parametrize("path", ["/html", "/page", "/stream", "/nowhere"])
def test_safe_headers_are_on_every_answer_once(client, path):
    headers = client.get(path).headers
    for name, value in (
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
    ):
        assert headers.get_list(name) == [value]
    assert len(headers.get_list("content-security-policy")) == 1


def test_safe_headers_nothing_runs_without_a_policy_of_its_own(client):
    assert client.get("/html").headers["content-security-policy"].startswith("default-src 'none'")
    assert client.get("/page").headers["content-security-policy"] == "script-src 'self'"
