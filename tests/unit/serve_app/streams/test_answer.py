"""Streams of requests with a key, a sign-in, or neither."""

import asyncio
from types import SimpleNamespace

import pytest
from fastapi import Request

from rfuav_ray.settings import Settings
from serve_app.access import keyring
from serve_app.access.door import Door
from serve_app.access.key_file import add_key, read_keys, remove_key
from serve_app.access.scopes import Scope
from serve_app.streams.answer import stream_answer


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.txt"


@pytest.fixture
def ann(path):
    add_key(path, "bob", Scope.READ)
    return add_key(path, "ann", Scope.READ)


@pytest.fixture
def door(path, ann, tmp_path, monkeypatch):
    monkeypatch.setattr(keyring, "LOOK_EVERY_S", 0.0)
    return Door(Settings(_env_file=None, api_keys_file=path, state_dir=tmp_path))


def sent(door, name, value, removes):
    """The parts that are sent of "one" and "two", when `removes` is called between them."""
    is_closed = False

    async def parts():
        nonlocal is_closed
        try:
            yield "one"
            removes()
            yield "two"
        finally:
            is_closed = True

    async def main():
        app = SimpleNamespace(state=SimpleNamespace(door=door))
        scope = {"type": "http", "headers": [(name, value)], "client": None, "app": app}
        if door is not None:
            assert (await door.caller(scope)).scope is Scope.READ
        return [part async for part in stream_answer(parts(), Request(scope)).body_iterator]

    found = asyncio.run(main())
    assert is_closed
    return found


def test_answer_a_stream_ends_when_its_key_is_removed(door, path, ann):
    assert sent(door, b"x-api-key", ann.encode(), lambda: remove_key(path, "bob")) == ["one", "two"]
    assert sent(door, b"authorization", f"Bearer {ann}".encode(), lambda: remove_key(path, "ann")) == ["one"]


def test_answer_a_stream_ends_with_the_sign_in(door, path, ann):
    key = next(key for key in read_keys(path) if key.name == "ann")
    cookie = f"a=b; {door.sessions.cookie}={door.sessions.token(key)}".encode()
    assert sent(door, b"cookie", cookie, lambda: remove_key(path, "bob")) == ["one", "two"]

    def renew():
        remove_key(path, "ann")
        add_key(path, "ann", Scope.READ)

    assert sent(door, b"cookie", cookie, renew) == ["one"]


def test_answer_a_service_without_keys_asks_for_none():
    assert sent(None, b"x-api-key", b"any", lambda: None) == ["one", "two"]
