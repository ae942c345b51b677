import os
import tempfile
from pathlib import Path

import pytest

from actors.ray_internals import session
from rfuav_ray.errors import RfuavError


@pytest.fixture
def base(monkeypatch):
    """A short folder that other users can open."""
    with tempfile.TemporaryDirectory(prefix="rf-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("RAY_TMPDIR", folder)
        yield Path(folder)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    return tmp_path / "home"


def mode_of(path):
    return path.stat().st_mode & 0o777


def test_temp_folder_lies_in_a_private_folder(base):
    found = session.temp_folder()
    assert found == base / f"rfuav-{os.geteuid()}" / "ray" and mode_of(found.parent) == 0o700


def test_temp_folder_is_directly_in_a_private_ray_tmpdir(base):
    base.chmod(0o700)
    assert session.temp_folder() == base / "ray"


def test_temp_folder_is_refused_where_every_user_may_write(base):
    base.chmod(0o777)
    with pytest.raises(RfuavError, match="RAY_TMPDIR"):
        session.temp_folder()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of another user")
def test_temp_folder_that_another_user_has_made_first_is_refused(base):
    base.chmod(0o1777)
    planted = base / f"rfuav-{os.geteuid()}"
    planted.mkdir()
    os.chown(planted, 65534, 65534)
    with pytest.raises(RfuavError, match="belongs to the user nobody"):
        session.temp_folder()


def test_temp_folder_too_long_for_sockets_is_refused_if_chosen_and_else_not_used(base, monkeypatch):
    long = base / ("x" * 60)
    long.mkdir()
    monkeypatch.setenv("RAY_TMPDIR", str(long))
    with pytest.raises(RfuavError, match="too long for Ray's sockets"):
        session.temp_folder()
    monkeypatch.delenv("RAY_TMPDIR")
    monkeypatch.setenv("TMPDIR", str(long))
    assert session.temp_folder() == Path(f"/tmp/rfuav-{os.geteuid()}/ray")


def test_private_options_keep_the_token_from_other_users(base, home):
    session.private_options()
    assert mode_of(home / ".ray") == 0o700
    token = home / ".ray" / "auth_token"
    token.touch(mode=0o644)
    (home / ".ray").chmod(0o755)
    assert session.private_options().keys() == {"_temp_dir"}
    assert (mode_of(token), mode_of(home / ".ray")) == (0o600, 0o700)


def test_private_options_warn_when_the_token_is_switched_off(base, monkeypatch, caplog):
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    session.private_options()
    assert "every user of this machine may run code" in caplog.text
