import asyncio
import errno
import logging
import os

import pytest

from rfuav_ray.errors import RfuavError
from rfuav_ray.settings import Settings
from serve_app.access import keyring
from serve_app.access.key_file import add_key, remove_key
from serve_app.access.keyring import CurrentKeys, Keyring, check_keys, needs_keys, with_hashes
from serve_app.access.keys import keys_of
from serve_app.access.scopes import Scope


def settings_with(path=None, keys=(), **more):
    return Settings(_env_file=None, api_keys=keys, api_keys_file=path, **more)


def found(keys, key):
    return asyncio.run(keys.ring().find(key.encode()))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.txt"


@pytest.fixture
def looks_always(monkeypatch):
    monkeypatch.setattr(keyring, "LOOK_EVERY_S", 0.0)


def test_keyring_knows_a_key_after_its_first_check():
    ring = Keyring(keys_of(["ann:read:chosen"], "it"))
    assert ring.seen(b"chosen") is None
    assert asyncio.run(ring.find(b"wrong")) is None and ring.seen(b"wrong") is None
    assert asyncio.run(ring.find(b"chosen")) == ring.seen(b"chosen") == ring.named("ann")


@pytest.mark.usefixtures("looks_always")
def test_keyring_keys_of_a_file_come_and_go(path):
    ann = add_key(path, "ann", Scope.READ)
    keys = CurrentKeys(settings_with(path, ["bob:write:chosen"]))
    before = keys.ring().named("bob")
    cyd = add_key(path, "cyd", Scope.ADMIN)
    assert found(keys, cyd).name == "cyd" and found(keys, ann).name == "ann"
    remove_key(path, "ann")
    assert found(keys, ann) is None and keys.ring().seen(ann.encode()) is None
    # The sessions of the others go on.
    assert keys.ring().named("bob") == before


@pytest.mark.usefixtures("looks_always")
def test_keyring_a_change_of_the_file_forgets_only_the_keys_that_are_gone(path):
    ann, bob = add_key(path, "ann", Scope.READ), add_key(path, "bob", Scope.READ)
    keys = CurrentKeys(settings_with(path))
    assert found(keys, ann) and found(keys, bob)
    remove_key(path, "bob")
    path.write_text(path.read_text().replace("ann:read", "ann:write"))
    # Else a valid key could be refused with 429 after the change, because others guess from its address.
    assert keys.ring().seen(ann.encode()).scope is Scope.WRITE and keys.ring().seen(bob.encode()) is None


@pytest.mark.usefixtures("looks_always")
@pytest.mark.parametrize("breaks", ["wrong", "open", "gone", "twice"])
def test_keyring_a_file_that_breaks_changes_nothing(path, caplog, breaks):
    ann = add_key(path, "ann", Scope.READ)
    keys = CurrentKeys(settings_with(path, ["bob:write:chosen"]))
    if breaks == "wrong":
        path.write_text("nonsense")
    elif breaks == "open":
        path.write_text("")
        path.chmod(0o644)
    elif breaks == "gone":
        path.unlink()
    else:
        add_key(path, "bob", Scope.READ)
    with caplog.at_level(logging.WARNING):
        assert found(keys, ann).name == "ann"
        assert found(keys, ann).name == "ann"
    assert caplog.text.count("The keys stay as they were") == 1 and str(path) in caplog.text


@pytest.mark.usefixtures("looks_always")
def test_keyring_a_removed_key_is_gone_when_the_mode_of_the_file_is_mended(path):
    ann, bob = add_key(path, "ann", Scope.READ), add_key(path, "bob", Scope.READ)
    keys = CurrentKeys(settings_with(path))
    remove_key(path, "bob")
    path.chmod(0o644)
    assert found(keys, bob)
    path.chmod(0o600)
    assert found(keys, bob) is None and found(keys, ann)


@pytest.mark.usefixtures("looks_always")
def test_keyring_a_removed_key_is_gone_when_the_process_may_open_files_again(path, monkeypatch):
    ann = add_key(path, "ann", Scope.READ)
    keys = CurrentKeys(settings_with(path))
    remove_key(path, "ann")
    with monkeypatch.context() as full:
        full.setattr(os, "open", too_many_files)
        assert found(keys, ann)
    assert found(keys, ann) is None


def too_many_files(*_):
    raise OSError(errno.EMFILE, "Too many open files")


def test_keyring_is_refused_at_the_start_where_the_file_is_wrong_or_empty(path):
    with pytest.raises(RfuavError, match="rfuav key new"):
        check_keys(settings_with(path))
    add_key(path, "ann", Scope.READ)
    check_keys(settings_with(path))
    with pytest.raises(RfuavError, match="'ann' is there twice"):
        check_keys(settings_with(path, ["ann:read:chosen"]))
    remove_key(path, "ann")
    with pytest.raises(RfuavError, match="has no key"):
        check_keys(settings_with(path))
    check_keys(settings_with(path, ["bob:read:chosen"]))


def test_keyring_the_settings_of_the_api_have_hashes_that_mean_the_same(tmp_path):
    settings = settings_with(None, ["chosen", "ann:read:other"], state_dir=tmp_path)
    hashed = with_hashes(settings)
    assert not any("chosen" in entry or "other" in entry for entry in hashed.api_keys)
    assert hashed == with_hashes(hashed) == with_hashes(settings)
    assert hashed.api_keys != with_hashes(settings.model_copy(update={"state_dir": tmp_path / "b"})).api_keys
    keys = CurrentKeys(hashed)
    assert found(keys, "chosen").name == "key1" and found(keys, "other").scope is Scope.READ


def test_keyring_keys_are_asked_for_where_there_are_some(path):
    assert not needs_keys(settings_with())
    assert needs_keys(settings_with(path)) and needs_keys(settings_with(None, ["one"]))
    assert not needs_keys(settings_with(path, ["one"], auth="off"))
