"""A PostgreSQL of the tests' own: on a free port, with its data in a temporary folder, gone at the end.

    with running_postgres(tmp_path) as url:
        prepare_store(url)

Integration tests import it from tests.support.postgres_server. Needs the Debian package `postgresql`, else skips.
"""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from rfuav_ray.machine.ports import free_port

PASSWORD = "not-to-be-shown"
#: PostgreSQL refuses to run as root
ROOTS_DEPUTY = "postgres"


class PostgresServer:
    def __init__(self, home: Path, log: Path, address: str) -> None:
        self._programs = _find_programs()
        self._data = home / "data"
        self._log = log
        self._address = address
        self._port = free_port()
        password_file = home / "password"
        password_file.write_text(PASSWORD)
        if os.geteuid() == 0:
            for path in (home, password_file):
                shutil.chown(path, ROOTS_DEPUTY)
        options = ["--no-sync", "--auth=scram-sha-256", f"--pwfile={password_file}", "--username=rfuav"]
        self._run("initdb", "-D", str(self._data), *options, "--encoding=UTF8", "--locale=C")
        with (self._data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all scram-sha-256\n")
        self._options = (
            f"-c port={self._port} -c listen_addresses={address} -c unix_socket_directories={home} "
            "-c fsync=on -c synchronous_commit=on"
        )

    def start(self) -> None:
        """Returns when it answers."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "-o", self._options, "start")

    def kill(self) -> None:
        """Its processes end where they are, as in a crash; the next start recovers from the log."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")

    def new_database(self) -> str:
        """The URL of an empty one."""
        name = f"rfuav_{uuid.uuid4().hex}"
        server = f"postgresql://rfuav:{PASSWORD}@{self._address}:{self._port}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://rfuav:{PASSWORD}@{self._address}:{self._port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        deputy = ROOTS_DEPUTY if os.geteuid() == 0 else None
        with self._log.open("ab") as log:
            done = subprocess.run(
                [self._programs / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=deputy,
                group=deputy,
                extra_groups=[] if deputy else None,
                cwd="/",
                check=False,
            )
        assert done.returncode == 0, f"{program} failed: {self._log.read_text()}"


@contextmanager
def postgres_server(folder: Path, address: str = "127.0.0.1") -> Iterator[PostgresServer]:
    """It listens on the address. Its log is written in `folder`."""
    # Not in `folder` as well: pytest lets nobody but root into root's folders; and sockets need a short path.
    with tempfile.TemporaryDirectory(prefix="rfuav-postgres-") as home:
        server = PostgresServer(Path(home), folder / "postgres.log", address)
        server.start()
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def running_postgres(folder: Path, address: str = "127.0.0.1") -> Iterator[str]:
    """The URL of an empty database on a server of its own, whose log is written in `folder`."""
    with postgres_server(folder, address) as server:
        yield server.new_database()


def _find_programs() -> Path:
    """Debian keeps them out of the PATH, by version."""
    places = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: int(place.parent.name))]
    if found := shutil.which("initdb"):
        places.append(Path(found).resolve().parent)
    if not places:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    return places[-1]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """One for the whole session; tests take a database each, and leave the server running."""
    with postgres_server(tmp_path_factory.mktemp("postgres")) as server:
        yield server
