"""What the service expects of Ray's inside is true of the installed Ray."""

import inspect
import os
import shlex
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
import ray
from ray._common.constants import HEAD_NODE_RESOURCE_NAME
from ray._private import ray_constants
from ray._private.runtime_env.context import RuntimeEnvContext
from ray.core.generated.common_pb2 import Language
from ray.runtime_env import RuntimeEnv
from ray.serve._private.client import ServeControllerClient
from ray.serve._private.http_util import parse_disconnect_disabled_header
from ray.serve.config import HTTPOptions
from ray.serve.context import _get_global_client

from actors.ray_internals import nodes, variables
from actors.ray_internals.haproxy_config import Additions, connections, corrected, prefix_of, write_sample
from actors.ray_internals.ray_serve import check_replica_port

RAY = Path(ray.__file__).parent
FOR_HAPROXY = variables.for_haproxy(
    binary=Path("/x/haproxy"), folder=Path("/x"), connections=1, threads=1, fallback_port=1
)
ANSWERS = {status: f"status {status}" for status in (500, 502, 503, 504)}


@cache
def python_sources():
    folders = ("_private", "_common", "serve")
    return "".join(file.read_text() for folder in folders for file in (RAY / folder).rglob("*.py"))


@cache
def programs():
    """Ray's programs in C++. They have the whole name of each variable."""
    return b"".join((RAY / "core/src/ray" / name).read_bytes() for name in ("raylet/raylet", "gcs/gcs_server"))


def test_installed_ray_reads_every_variable():
    names = [*variables.OF_SERVICE, *variables.ON_LOOPBACK, *FOR_HAPROXY, variables.JOB]
    unread = [name for name in names if f'"{name}"' not in python_sources() and name.encode() not in programs()]
    assert unread == []
    assert b"RAY_no_such_name" not in programs() and '"RAY_SERVE_NO_SUCH_NAME"' not in python_sources()


def test_installed_ray_serve_reads_every_variable_for_haproxy():
    assert variables.unread_by_serve([*FOR_HAPROXY, "RAY_SERVE_NO_SUCH_NAME"]) == ["RAY_SERVE_NO_SUCH_NAME"]


@pytest.mark.skipif(find_spec("jinja2") is None, reason="Ray Serve writes HAProxy's configuration with it")
@pytest.mark.parametrize("with_api", [True, False])
def test_installed_ray_writes_the_configuration_of_haproxy_that_can_be_corrected(tmp_path, with_api):
    written = write_sample(tmp_path, with_api=with_api).read_text()
    added = Additions(["timeout http-request 10s"], ["http-request del-header x"], "backend table\n")
    assert connections(written) > 0
    assert prefix_of("api", written) == ("/" if with_api else None)
    found = corrected(written, address="[::1]", answers=ANSWERS, added=added)
    lines = [line.strip() for line in found.splitlines()]
    assert [line for line in lines if line.startswith("bind")] == ["bind [::1]:8000 proto h1"]
    assert not [
        line
        for line in lines
        if line.startswith(("log 127", "errorfile", "stats uri", "http-request return status 404"))
    ]
    assert [line for line in lines if line.startswith("http-error")] == [
        f"http-error {ANSWERS[code]}" for code in ANSWERS
    ]
    assert "http-request return status 503" in lines[lines.index("backend default_backend") :]
    new = {f"http-error {answer}" for answer in ANSWERS.values()} | {
        "bind [::1]:8000 proto h1",
        "http-request return status 503",
        *added.defaults,
        *added.frontend,
        "backend table",
    }
    assert set(lines) - {line.strip() for line in written.splitlines()} == new


def test_installed_ray_serve_knows_the_header_that_ends_the_watch():
    assert parse_disconnect_disabled_header({b"x-request-disconnect-disabled": b"?1"})
    assert not parse_disconnect_disabled_header({})


def test_installed_ray_serve_opens_the_port_of_a_replica_as_expected():
    check_replica_port()


def test_installed_ray_serve_tells_its_address():
    assert "raise_if_no_controller_running" in inspect.signature(_get_global_client).parameters
    assert isinstance(ServeControllerClient.http_config, property)
    assert {"host", "port"} <= HTTPOptions.model_fields.keys()


def test_installed_ray_marks_the_head_node():
    assert nodes.HEAD_RESOURCE == HEAD_NODE_RESOURCE_NAME


def test_installed_ray_starts_a_worker_with_the_words_of_its_py_executable(monkeypatch):
    """The last step of a worker's start. The integration tests see all of them."""
    started = []
    monkeypatch.setattr(os, "execvp", lambda file, args: started.append((file, args)))
    executable = RuntimeEnv(py_executable="client -S '/a socket.fork'").py_executable()
    program = RAY / "_private/workers" / nodes.WORKER_PROGRAM
    assert program.exists()
    arguments = [str(program), "--raylet-name=/x"]
    RuntimeEnvContext(py_executable=executable).exec_worker(arguments, Language.PYTHON)
    ((file, (*_, command)),) = started
    assert file == "bash"
    assert shlex.split(command) == ["exec", "client", "-S", "/a socket.fork", *arguments]
    assert f'f"{nodes.RAYLET_OPTION}{{raylet_name}}"' in python_sources()
    assert variables.JOB in ray_constants.RAY_INTERNAL_FLAGS
