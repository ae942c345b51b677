import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from serve_app.access.keyring import Keyring
from serve_app.access.keys import keys_of
from serve_app.access.sessions import LASTS_S, SECRET_FILE, Sessions, secret_in
from tests.support.clock import Clock

ENTRIES = keys_of(["ann:read:one", "bob:admin:two"], "it")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sessions(tmp_path, clock):
    return Sessions(tmp_path, 8000, clock)


@pytest.fixture
def ring():
    return Keyring(ENTRIES)


def test_sessions_another_replica_knows_them_until_they_end(sessions, ring, tmp_path, clock):
    token = sessions.token(ENTRIES[0])
    other = Sessions(tmp_path, 8000, clock)
    assert other.key_of(token, ring) == ENTRIES[0]
    clock.now_s += LASTS_S
    assert other.key_of(token, ring) is None


def test_sessions_end_with_their_key(sessions, ring):
    token = sessions.token(ENTRIES[0])
    assert sessions.key_of(token, Keyring(ENTRIES[1:])) is None
    renewed = keys_of(["ann:read:three"], "it")
    assert sessions.key_of(token, Keyring(renewed)) is None


def test_sessions_have_the_scope_that_the_key_has_now(sessions):
    token = sessions.token(ENTRIES[0])
    raised = ENTRIES[0]._replace(scope=ENTRIES[1].scope)
    assert sessions.key_of(token, Keyring([raised])) == raised


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token.replace("ann", "bob", 1),
        lambda token: token[:-2],
        lambda token: token + "A",
        lambda token: token.rpartition("~")[0],
        lambda _: "",
        lambda _: "~~~~",
        lambda _: "ä~1~2~3",
    ],
)
def test_sessions_forged_tokens_are_refused(sessions, ring, change):
    assert sessions.key_of(change(sessions.token(ENTRIES[0])), ring) is None


def test_sessions_of_another_service_are_refused(sessions, ring, tmp_path):
    assert sessions.key_of(Sessions(tmp_path / "other", 8000).token(ENTRIES[0]), ring) is None


def test_sessions_the_cookie(sessions):
    text = sessions.set_cookie("a~b", is_https=False)
    assert text.startswith("rfuav_session_8000=") and "Secure" not in text
    assert {"HttpOnly", "Path=/", "SameSite=Strict", f"Max-Age={LASTS_S}"} <= set(text.split("; "))
    assert "Secure" in sessions.set_cookie("a~b", is_https=True).split("; ")
    assert "Max-Age=0" in sessions.set_cookie("", is_https=False)
    assert list(sessions.offered(b"a=b; rfuav_session_8000=a~b;c=d; rfuav_session_8000=e")) == ["a~b", "e"]
    assert not list(sessions.offered(b"rfuav_session_80001=a; xrfuav_session_8000=b"))


def test_sessions_all_replicas_make_one_secret_for_the_user_alone(tmp_path):
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: secret_in(tmp_path / "state"), range(32)))
    path = tmp_path / "state" / SECRET_FILE
    assert len(found) == 1 and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [SECRET_FILE]
    assert secret_in(tmp_path / "state") in found and secret_in(tmp_path / "other") not in found


@pytest.mark.parametrize("how", ["open", "short", "link"])
def test_sessions_a_secret_that_others_may_know_is_replaced(tmp_path, how):
    path = tmp_path / SECRET_FILE
    known = os.urandom(32)
    target = tmp_path / "target" if how == "link" else path
    target.write_bytes(known[:5] if how == "short" else known)
    target.chmod(0o644 if how == "open" else 0o600)
    if how == "link":
        path.symlink_to(target)
    assert secret_in(tmp_path) not in {known, known[:5]} and len(secret_in(tmp_path)) == 32
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
