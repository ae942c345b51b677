"""The checks of `rfuav doctor`: memory, disk, folders and port."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil

from rfuav_ray.cli.doctor import MORE_CHECKS
from rfuav_ray.cli.doctor.software import (
    GIB,
    Finding,
    State,
    check_distribution,
    check_gpus,
    check_python,
    check_torch,
)
from rfuav_ray.cli.run_config import read_settings
from rfuav_ray.client import RFUAVClient
from rfuav_ray.errors import RfuavError
from rfuav_ray.machine.private_files import folder_problem
from rfuav_ray.objects.access import filesystem, why
from rfuav_ray.objects.urls import parse_url

#: for the checkpoints and results of a training, and the session files of Ray
DISK_WANTED, DISK_NEEDED = 10 * GIB, 1 * GIB
#: the idle service takes about 1 GiB, the training of a small model 1 to 2 GiB more
MEMORY_WANTED, MEMORY_NEEDED = 4 * GIB, 2 * GIB
#: containers have 64 MiB of shared memory by default; Ray then falls back to slow files
SHARED_MEMORY_WANTED = 1 * GIB


def examine() -> Iterator[Finding]:
    """Run all checks, and yield each finding as soon as it is known."""
    yield check_python()
    yield from check_distribution()
    torch = check_torch()
    yield torch
    yield from check_gpus(torch)
    yield from check_memory()
    try:
        settings = read_settings()
    except RfuavError as error:
        yield Finding("settings", "broken", str(error), "Correct the environment variable or the line in .env.")
        return
    yield check_disk(settings.state_dir, name="STATE_DIR")
    yield check_folder(settings.log_file.parent, name="LOG_FILE", state="broken")
    yield from check_owner(settings.state_dir, name="STATE_DIR")
    yield from check_owner(settings.log_file.parent, name="LOG_FILE", may_be_shared=True)
    for root in settings.folder_roots:
        yield check_folder(root, name="DATA_ROOTS", state="warning")
    if settings.objects.roots:
        yield check_disk(settings.cache_dir, name="CACHE_DIR")
        yield from check_owner(settings.cache_dir, name="CACHE_DIR")
    yield from map(check_bucket, settings.objects.roots)
    yield check_port(settings.host, settings.port, settings.route_prefix)
    for check in MORE_CHECKS:
        yield from check()


def check_memory(available: int | None = None) -> Iterator[Finding]:
    free = psutil.virtual_memory().available if available is None else available
    text = f"{free / GIB:.1f} GiB available"
    advice = "Close other programs, or lower the MAX_*_CONCURRENT settings and batch_size."
    state = _state_of(free, wanted=MEMORY_WANTED, needed=MEMORY_NEEDED)
    yield Finding("memory", state, text, "" if state == "ok" else advice)
    shared = Path("/dev/shm")
    if shared.is_dir() and (size := shutil.disk_usage(shared).total) < SHARED_MEMORY_WANTED:
        yield Finding(
            "shared memory",
            "warning",
            f"/dev/shm has {size / 2**20:.0f} MiB",
            "Start the container with --shm-size=2g or more.",
        )


def check_disk(folder: Path, *, name: str, free: int | None = None) -> Finding:
    """Check that `folder` can be created or written to, and has enough free space."""
    writable = check_folder(folder, name=name, state="broken")
    if writable.state != "ok":
        return writable
    space = shutil.disk_usage(_existing(folder)).free if free is None else free
    state = _state_of(space, wanted=DISK_WANTED, needed=DISK_NEEDED)
    advice = "" if state == "ok" else f"Free some space, or set {name} to a folder on a larger disk."
    return Finding(name, state, f"{folder}, {space / GIB:.1f} GiB free", advice)


def check_folder(folder: Path, *, name: str, state: State) -> Finding:
    there = _existing(folder)
    if not there.is_dir():
        return Finding(name, "broken", f"'{there}' is a file", f"Set {name} to a folder.")
    if not os.access(there, os.W_OK | os.X_OK):
        return Finding(name, state, f"'{there}' cannot be written", f"Make it writable, or change {name}.")
    return Finding(name, "ok", str(folder))


def check_bucket(root: str) -> Finding:
    """Check that the object storage answers, and that its credentials may look at a root."""
    url = parse_url(root, "DATA_ROOTS")
    try:
        found = filesystem().get_file_info([url.key, url.bucket])
    except OSError as error:
        advice = "Set AWS_ENDPOINT_URL, AWS_REGION and the credentials; docs/how-to/use-a-bucket.md shows them."
        return Finding("DATA_ROOTS", "broken", why(error, url), advice)
    if found[1].type.name == "NotFound":
        return Finding("DATA_ROOTS", "broken", f"'{url}': there is no bucket '{url.bucket}'", "Make the bucket.")
    if found[0].type.name == "NotFound":
        return Finding("DATA_ROOTS", "ok", f"{url}, which has no objects yet")
    return Finding("DATA_ROOTS", "ok", f"{url} can be read")


def check_owner(folder: Path, *, name: str, may_be_shared: bool = False) -> Iterator[Finding]:
    """Yield a finding if other users could change what lies there: the service then refuses to start."""
    if problem := folder_problem(folder, may_be_shared=may_be_shared):
        yield Finding(name, "broken", problem, f"Take it over (chown, chmod o-w), or set {name} to an own folder.")


def check_port(host: str, port: int, prefix: str = "/") -> Finding:
    """Check that the port is free, or used by a healthy service below this prefix of paths."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        return Finding("HOST", "broken", f"'{host}': {error.strerror}", "Set HOST to an address of this machine.")
    with socket.socket(family, kind) as server:
        # The service sets this option too: connections in TIME_WAIT do not block the port.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(address)
        except OSError as error:
            problem = f"{host}:{port} cannot be used: {error.strerror}"
        else:
            return Finding("PORT", "ok", f"{host}:{port} is free")
    return _who_listens(host, port, prefix, problem)


def _who_listens(host: str, port: int, prefix: str, problem: str) -> Finding:
    local = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    try:
        with RFUAVClient(f"http://{local}:{port}{prefix}", timeout_s=5) as client:
            health = client.health()
    except RfuavError:
        return Finding("PORT", "broken", problem, "Stop the program that uses it, or set PORT to another one.")
    if health.get("status") != "healthy":
        return Finding("PORT", "warning", f"the service on {host}:{port} is not healthy", "Read LOG_FILE.")
    return Finding("PORT", "ok", f"a healthy service {health.get('version', '')} answers on {host}:{port}")


def _existing(path: Path) -> Path:
    """Return the path itself if it exists, else its nearest existing parent."""
    return next(place for place in (path, *path.parents) if place.exists())


def _state_of(amount: int, *, wanted: int, needed: int) -> State:
    if amount < needed:
        return "broken"
    return "ok" if amount >= wanted else "warning"
