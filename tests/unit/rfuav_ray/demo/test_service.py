import os
import sys
from pathlib import Path

import pytest

from rfuav_ray.client import ServiceUnreachable
from rfuav_ray.demo.service import own_service
from rfuav_ray.errors import RunError

#: a program that answers as a service does, and says what it was given
HEALTHY = """
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"status": "healthy", "key": self.headers["Authorization"], "pid": os.getpid(),
                           "cwd": os.getcwd(), "environment": dict(os.environ)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer((os.environ["RFUAV_HOST"], int(os.environ["RFUAV_PORT"])), Handler).serve_forever()
"""


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_service_the_service_has_a_key_and_a_folder_of_its_own(tmp_path, monkeypatch):
    foreign = {
        "DATABASE_URL": "postgresql://prod",
        "rfuav_database_url": "postgresql://prod",
        "RAY_ADDRESS": "ray://prod:10001",
        "API_KEYS": "secret",
        "RFUAV_HOST": "0.0.0.0",
        "STATE_DIR": "/srv/state",
    }
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OTHER", "stays")
    with own_service(tmp_path, [sys.executable, "-c", HEALTHY]) as client:
        answer = client.health()
    environment = answer["environment"]
    assert answer["key"] == f"Bearer {environment['RFUAV_API_KEYS']}"
    assert answer["cwd"] == environment["RFUAV_DATA_ROOTS"] == str(tmp_path)
    assert environment["RFUAV_STATE_DIR"] == str(tmp_path / "state")
    assert environment["RFUAV_HOST"] == "127.0.0.1"
    assert environment["OTHER"] == "stays"
    first_root = environment["PYTHONPATH"].split(os.pathsep)[0]
    assert Path(first_root, "rfuav_ray", "__init__.py").exists()
    assert not any("prod" in value or value in {"secret", "/srv/state"} for value in environment.values())


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_service_the_service_is_stopped_however_it_ends(tmp_path, error):
    try:
        with own_service(tmp_path, [sys.executable, "-c", HEALTHY]) as client:
            pid = client.health()["pid"]
            assert is_alive(pid)
            if error:
                raise error
    except (ValueError, KeyboardInterrupt) as raised:
        assert type(raised) is error
    assert not is_alive(pid)
    with pytest.raises(ServiceUnreachable):
        client.__class__(client.base_url).health()


def test_service_a_service_that_ends_at_once_is_shown_with_its_log(tmp_path):
    command = [sys.executable, "-c", "print('first line'); print('no room left'); raise SystemExit(3)"]
    with (
        pytest.raises(RunError, match=r"status 3 [\s\S]*service\.log[\s\S]*no room left"),
        own_service(tmp_path, command),
    ):
        pytest.fail("it never came up")
    assert (tmp_path / "logs" / "service.log").read_text() == "first line\nno room left\n"
