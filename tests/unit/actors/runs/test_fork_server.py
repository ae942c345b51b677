"""The fork server and its clients with small programs in place of Ray's worker, and this process as the raylet."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from actors.runs import fork_client

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="runs have a Python of their own here")

SERVER = """
import sys
from actors.runs import fork_server
fork_server.MODULES = ("sndhdr",)  # loaded by nothing else, and quickly
sys.argv = ["server"]
fork_server.main({address!r}, {raylet})
"""


@pytest.fixture
def folder(tmp_path_factory):
    """With a short name: paths of sockets must be short."""
    return tmp_path_factory.mktemp("f")


@pytest.fixture
def server(folder):
    """A server that knows one small module; returns its process."""
    started = []

    def start(raylet=None):
        code = SERVER.format(address=str(folder / "raylet.fork"), raylet=raylet or os.getpid())
        command = [sys.executable, "-W", "ignore", "-c", code]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "listening\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def client(folder):
    """Start a client that asks for this program; returns its process."""
    started = []

    def start(code, *arguments, **options):
        program = folder / f"program{len(started)}.py"
        program.write_text(code)
        command = [sys.executable, "-I", "-S", fork_client.__file__, f"{folder}/raylet.fork", str(program)]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen([*command, *arguments], **streams | options)
        started.append(process)
        return process

    yield start
    for process in started:
        # Its pipes are closed, not read to their end: a server that it has started may hold them open.
        with process:
            process.kill()


def output_of(process):
    output, errors = process.communicate(timeout=60)
    assert not errors
    return output


def test_fork_server_the_worker_is_as_a_fresh_python_would_be_and_has_what_the_server_has_loaded(
    server, client, folder
):
    parent = server()
    code = (
        "import os, sys\n"
        "print(__name__, sys.argv[1:], os.getcwd(), os.environ['OF_THE_CLIENT'], 'sndhdr' in sys.modules)\n"
        "print(sys.path[0], os.getppid(), os.getpgid(0) == os.getpid())\n"
        "assert 'OF_THE_SERVER' not in os.environ\n"
    )
    environment = {"OF_THE_CLIENT": "x", "PATH": os.environ["PATH"]}
    asked = client(code, "--more", cwd=folder, env=environment)
    first, second = output_of(asked).splitlines()
    assert first == f"__main__ ['--more'] {folder} x True"
    assert second == f"{folder} {parent.pid} True"


@pytest.mark.parametrize(("code", "status"), [("raise SystemExit(7)", 7), ("", 0)])
def test_fork_server_the_client_ends_as_its_worker_does(server, client, code, status):
    server()
    asked = client(code)
    output_of(asked)
    assert asked.returncode == status


WAITS = "import os, signal\nprint(os.getpid(), flush=True)\nsignal.pause()"


def test_fork_server_who_ends_the_client_ends_the_worker(server, client):
    server()
    asked = client(WAITS)
    worker = psutil.Process(int(asked.stdout.readline()))
    asked.kill()
    worker.wait(20)
    assert not worker.is_running()


def test_fork_server_a_worker_that_is_killed_ends_its_client(server, client):
    server()
    asked = client(WAITS)
    os.kill(int(asked.stdout.readline()), signal.SIGKILL)
    asked.communicate(timeout=20)
    assert asked.returncode != 0


def test_fork_server_workers_outlive_the_server_and_their_clients_stand_in_for_them(server, client):
    process = server()
    asked = client(WAITS)
    worker = psutil.Process(int(asked.stdout.readline()))
    process.kill()
    process.wait()
    with pytest.raises(subprocess.TimeoutExpired):
        asked.wait(0.5)
    assert worker.is_running()
    worker.kill()
    asked.communicate(timeout=20)


def test_fork_server_the_server_ends_with_the_raylet(server):
    with subprocess.Popen(["sleep", "600"]) as raylet:
        process = server(raylet=raylet.pid)
        raylet.kill()
        assert process.wait(20) == 0


def test_fork_server_a_request_that_makes_no_sense_is_dropped_and_the_next_one_answered(server, client, folder):
    server()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"{folder}/raylet.fork")
        connection.sendall(b"hello\n")
    assert output_of(client("print('here')")) == "here\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_fork_server_serves_no_other_user(server, client, folder):
    server()
    folder.chmod(0o755)
    (folder / "raylet.fork").chmod(0o777)
    code = (
        "import os, socket\n"
        f"os.chdir('{folder}')\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "connection = socket.socket(socket.AF_UNIX)\n"
        "connection.connect('raylet.fork')\n"
        "socket.send_fds(connection, [b'\\0'], [0, 1, 2])\n"
        'connection.sendall(b\'["-c", ""]\\n\')\n'
        "print(connection.recv(100))\n"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    # The connection is closed, at once or as the request arrives.
    assert asked.stdout == "b''\n" or "ConnectionReset" in asked.stderr or "BrokenPipe" in asked.stderr
    assert output_of(client("print('here')")) == "here\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_fork_server_of_another_user_gets_nothing(client, folder):
    """Who can write into the socket's folder can put a socket of his own there."""
    folder.chmod(0o777)
    address = f"{folder}/raylet.fork"
    code = (
        "import os, socket\n"
        "listener = socket.socket(socket.AF_UNIX)\n"
        f"os.chdir('{folder}')\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "listener.bind('raylet.fork')\n"
        "listener.listen()\n"
        "print('listening', flush=True)\n"
        "print(listener.accept()[0].recv(100), flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as thief:
        assert thief.stdout.readline() == "listening\n"
        asked = client("print('here')")
        output, errors = asked.communicate(timeout=60)
        assert output == "here\n" and f"'{address}' belongs to the user 65534" in errors
        assert thief.stdout.readline() == "b''\n"


def test_fork_server_the_lock_does_not_follow_links(client, folder):
    (folder / "file").write_text("of the user")
    (folder / "raylet.fork.lock").symlink_to(folder / "file")
    output, errors = client("print('here')").communicate(timeout=60)
    assert output == "here\n" and "starting a new Python" in errors
    assert (folder / "file").read_text() == "of the user"


def test_fork_server_many_at_once(server, client):
    server()
    asked = [client(f"print({number})") for number in range(20)]
    assert [output_of(process) for process in asked] == [f"{number}\n" for number in range(20)]


def test_fork_server_where_no_server_can_be_had_a_fresh_python_takes_over(client, folder):
    (folder / "raylet.fork.lock").mkdir()
    asked = client("print('here')")
    output, errors = asked.communicate(timeout=60)
    assert output == "here\n" and "starting a new Python" in errors and asked.returncode == 0


@pytest.mark.long
def test_fork_server_the_first_clients_start_one_server_for_all(client, folder):
    """The real one, with PyTorch."""
    code = "import os, sys\nprint(os.getppid(), 'torch' in sys.modules)"
    # The server keeps its first client's stderr.
    asked = [client(code, stderr=subprocess.DEVNULL) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(output_of, asked))
    servers = {int(answer.split()[0]) for answer in answers}
    with contextlib.suppress(ProcessLookupError):
        for process in servers:
            os.kill(process, signal.SIGKILL)
    assert len(servers) == 1 and all(answer.endswith("True\n") for answer in answers)


@pytest.mark.long
def test_fork_server_a_server_of_another_job_makes_room_for_one_of_this_job(server, client, monkeypatch):
    monkeypatch.setenv("RAY_JOB_ID", "02000000")
    older = server()
    code = "import os\nprint(os.getppid())"
    assert int(output_of(client(code))) == older.pid
    monkeypatch.setenv("RAY_JOB_ID", "04000000")
    newer = int(output_of(client(code, stderr=subprocess.DEVNULL)))
    assert older.wait(20) == 0
    assert int(output_of(client(code, stderr=subprocess.DEVNULL))) == newer
    os.kill(newer, signal.SIGKILL)
