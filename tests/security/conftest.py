"""A service with keys, of two replicas, for the whole session; see also tests.support.live_service."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx2
import pytest

from serve_app.access.key_file import add_key
from serve_app.access.scopes import Scope
from tests.support.live_service import *  # noqa: F403
from tests.support.service_process import ServiceProcess

#: of API_KEYS; a person has chosen them
READER, WRITER, OTHER, ADMIN = "first-chosen-key", "second-chosen-key", "third-chosen-key", "fourth-chosen-key"
REPLICAS = 2
CHOSEN = f"reader:read:{READER},writer:write:{WRITER},other:write:{OTHER},{ADMIN}"


class Keyed(ServiceProcess):
    """A service with keys; trainings wait, and do not start."""

    def __init__(self, folder, data_root, **settings):
        self.key_file = folder / "keys.txt"
        self.lasting_key = add_key(self.key_file, "lasting", Scope.READ)
        settings = {
            "api_keys": CHOSEN,
            "api_keys_file": self.key_file,
            "max_training_concurrent_cpu": 0,
        } | settings
        super().__init__(folder, data_root, **settings)
        self.app_log = folder / "app.log"

    def http(self, key=None, source="127.0.0.1"):
        """A client. Wrong keys are counted by its address, `source`."""
        headers = {} if key is None else {"X-API-Key": key}
        # Connections to this machine must not use a proxy.
        transport = httpx2.HTTPTransport(local_address=source)
        return httpx2.Client(base_url=self.url, headers=headers, transport=transport, trust_env=False, timeout=30)

    def command(self, *words):
        """Call `rfuav`. Returns what it prints."""
        call = [sys.executable, "-m", "serve_app", *words]
        done = subprocess.run(call, env=self._environment, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.strip()


@contextmanager
def read_again(keyed, http):
    """A block that changes the key file; every replica has read the file at its end."""

    def readings():
        return keyed.app_log.read_text().count("the keys were read again")

    def ask(_):
        # An older HAProxy, which may know one replica alone, keeps its connections.
        return http.get("/api/v2/tasks", headers={"Connection": "close"}).status_code

    before = readings()
    yield
    # Several at once: HAProxy gives a single one to the replica that has nothing to do.
    with ThreadPoolExecutor(2 * REPLICAS) as threads:
        while readings() < before + REPLICAS:
            assert set(threads.map(ask, range(2 * REPLICAS))) == {200}


@pytest.fixture(scope="session")
def keyed(root, tmp_path_factory):
    with Keyed(tmp_path_factory.mktemp("keyed"), root, api_replicas=REPLICAS) as service:
        service.start()
        yield service


def _with(key):
    """A fixture: a client of the service with this key."""

    @pytest.fixture
    def http(keyed):
        with keyed.http(key) as client:
            yield client

    return http


as_reader, as_writer, as_other, as_admin, as_nobody = map(_with, (READER, WRITER, OTHER, ADMIN, None))


@pytest.fixture
def inside(root, request):
    """A folder of this test's own that requests may name."""
    folder = root / request.path.stem / request.node.name
    folder.mkdir(parents=True)
    return folder
