import os

from rfuav_ray.settings import Settings
from serve_app.service_files import SECRETS, forget_secrets, keep_private


def test_keep_private_also_files_of_earlier_releases(tmp_path):
    settings = Settings(_env_file=None, state_dir=tmp_path / "state", log_file=tmp_path / "logs" / "app.log")
    keep_private(settings)  # nothing there yet
    settings.log_file.parent.mkdir()
    for name in ("app.log", "app.log.1"):
        (settings.log_file.parent / name).touch(mode=0o644)
    settings.state_dir.chmod(0o755)
    keep_private(settings)
    modes = {
        path.name: path.stat().st_mode & 0o077
        for path in (*settings.log_file.parent.iterdir(), settings.state_dir)
    }
    assert modes == {"app.log": 0, "app.log.1": 0, "state": 0}


def test_secrets_are_settings():
    assert set(SECRETS) <= Settings.model_fields.keys()


def test_service_files_secrets_leave_the_environment(monkeypatch):
    for name in ("API_KEYS", "RFUAV_API_KEYS", "rfuav_database_url"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("RFUAV_PORT", "8000")
    forget_secrets()
    assert "secret" not in os.environ.values() and os.environ["RFUAV_PORT"] == "8000"
