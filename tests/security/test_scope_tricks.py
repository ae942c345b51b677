"""Ways to write a request that might get more than its key allows."""

import json

import httpx2
import pytest

from tests.security.conftest import ADMIN, READER, WRITER
from tests.support.raw_http import answer, ask, connect, is_error

#: Wrong keys are counted by address.
SOURCE = "127.0.0.3"
CONFIG = "/api/v2/resources/config"
LIMITS = json.dumps({"max_concurrent": {"cpu": {"inference": 7}}}).encode()
JSON = "Content-Type: application/json"
AS_READER, AS_WRITER, AS_ADMIN = (f"X-API-Key: {key}" for key in (READER, WRITER, ADMIN))


@pytest.fixture
def send(keyed, as_admin):
    """Send a request with these lines. Returns its status; the limits are as before if it was refused."""
    host = f"Host: {httpx2.URL(keyed.url).netloc.decode()}"

    def sent(target, *headers, method="POST"):
        before = limits(as_admin)
        code, _, body = ask(keyed.url, target, host, JSON, *headers, method=method, body=LIMITS, source=SOURCE)
        if code != 200:
            assert limits(as_admin) == before
            assert method == "HEAD" or is_error(body)
        return code

    return sent


def limits(http):
    return http.get("/api/v2/resources").json()["limits"]


@pytest.mark.parametrize(
    "target",
    [
        CONFIG,
        f"{CONFIG}/",
        f"/{CONFIG}",
        f"{CONFIG}?",
        f"{CONFIG};a=b",
        f"{CONFIG}%00",
        f"{CONFIG}%0a",
        "/api/v2//resources/config",
        "/api/v2/resources%2Fconfig",
        "/api/v2/resource%73/config",
        "/api/v2/resources;a/config",
        "/api/v2/x/../resources/config",
        "/api/v2/x/%2e%2e/resources/config",
        "/static/../api/v2/resources/config",
        "/static/%2e%2e%2fapi/v2/resources/config",
        "/API/v2/resources/config",
        "{service}/api/v2/resources/config",
        "api/v2/resources/config",
        "*",
    ],
)
def test_scope_tricks_no_way_to_write_a_path_gives_more(keyed, send, target):
    target = target.replace("{service}", keyed.url)
    assert send(target, AS_WRITER) in {403, 404, 405}
    assert send(target) in {401, 404}


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "post", "TRACE"])
@pytest.mark.parametrize("override", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_scope_tricks_no_header_and_no_query_changes_the_method(send, method, override):
    assert send(f"{CONFIG}?_method=POST", AS_READER, f"{override}: POST", method=method) == 405


@pytest.mark.parametrize("header", ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Forwarded-Path"])
def test_scope_tricks_no_header_changes_the_path(send, header):
    assert send(CONFIG, AS_READER, f"{header}: /api/v1/session") == 403
    assert send("/api/v1/session", f"{header}: {CONFIG}") == 422


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        # Who has both keys has the rights of both. One of them counts, and a wrong one is none.
        ([AS_ADMIN, AS_READER], 403),
        ([AS_READER, AS_ADMIN], 200),
        ([AS_ADMIN, f"Authorization: Bearer {READER}"], 403),
        ([AS_ADMIN, "Authorization: Bearer wrong"], 401),
        ([AS_ADMIN, "X-API-Key: wrong"], 401),
        ([f"X-API-Key: {READER}, {ADMIN}"], 401),
        ([f"X-API-Key: {READER}\r\n {ADMIN}"], 401),
        ([f"x-aPI-kEY: {ADMIN}"], 200),
        ([f"X_API_Key: {ADMIN}"], 401),
        ([f"Authorization: Basic {ADMIN}"], 401),
        ([f"Cookie: X-API-Key={ADMIN}"], 401),
    ],
)
def test_scope_tricks_one_key_counts(send, headers, code):
    assert send(CONFIG, *headers) == code


def test_scope_tricks_a_key_in_the_query_is_none(send):
    assert send(f"{CONFIG}?X-API-Key={ADMIN}&api_key={ADMIN}&key={ADMIN}&access_token={ADMIN}") == 401


def test_scope_tricks_a_key_counts_before_a_sign_in(keyed, send):
    with keyed.http() as http:
        http.post("/api/v1/session", json={"key": ADMIN})
        ((name, token),) = http.cookies.items()
    cookie = f"Cookie: {name}={token}"
    assert send(CONFIG, cookie) == 200
    assert send(CONFIG, cookie, AS_READER) == 403
    assert send(CONFIG, cookie, "X-API-Key: wrong") == 401


@pytest.mark.parametrize("path", ["/api/v2/tasks", "/api/v2/events", "/static", "/"])
def test_scope_tricks_a_websocket_is_a_request_like_others(keyed, path):
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {httpx2.URL(keyed.url).netloc.decode()}",
        "Connection: Upgrade, close",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    connection = connect(keyed.url)
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    code, _, body = answer(connection)
    assert code == 401 and is_error(body)
