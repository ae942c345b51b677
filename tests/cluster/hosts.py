"""Hosts of their own on one machine: each with a network, a host name, a shared memory and a private folder.

Everything else is shared, as on a network file system. Needs root, and Linux's network namespaces.
"""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

#: a network of these tests alone
NETWORK, BRIDGE, HOST = "10.78.0", "rfuavbr", "rfuavh"
OUTSIDE = f"{NETWORK}.254"
ENDS_WITHIN_S = 10
#: in a mount namespace of its own; the words after it are the program
_INSIDE = (
    'hostname "$1"; mount --make-rprivate /; mkdir -p /private; mount --bind "$2" /private; '
    'mount -t tmpfs -o size=1g tmpfs /dev/shm; shift 2; exec "$@"'
)


def are_possible():
    return os.geteuid() == 0 and all(map(shutil.which, ("ip", "unshare", "mount")))


class Host:
    def __init__(self, number, folder):
        self.name, self.address = f"{HOST}{number}", f"{NETWORK}.{number}"
        self.private = folder / self.name
        self.private.mkdir()
        _ip("netns", "add", self.name)
        _ip("link", "add", f"v{self.name}", "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("link", "set", f"v{self.name}", "master", BRIDGE, "up")
        _ip("-n", self.name, "addr", "add", f"{self.address}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            _ip("-n", self.name, "link", "set", link, "up")
        _ip("-n", self.name, "route", "add", "default", "via", OUTSIDE)

    def start(self, words, environment, output):
        """Start a program on this host. It sees the host's folder as /private. `output`: a file, or PIPE."""
        inside = ["ip", "netns", "exec", self.name, "unshare", "-m", "-u", "bash", "-c", _INSIDE, "inside"]
        return subprocess.Popen(
            [*inside, self.name, self.private, *words],
            env=environment,
            cwd=self.private,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def processes(self):
        return _processes(self.name)

    def lose(self):
        """End whatever runs on this host at once, as a loss of its power does."""
        _end(self.name, psutil.Process.kill)


@contextmanager
def new_hosts(count, folder):
    """That many hosts. The program that opens them is outside, on the same network."""
    with _alone():
        # A run that was killed leaves its own.
        _remove_all()
        try:
            _ip("link", "add", BRIDGE, "type", "bridge")
            _ip("addr", "add", f"{OUTSIDE}/24", "dev", BRIDGE)
            _ip("link", "set", BRIDGE, "up")
            yield [Host(number, folder) for number in range(1, count + 1)]
        finally:
            _remove_all()


@contextmanager
def _alone():
    """Raises BlockingIOError while another program has such hosts. The kernel frees the lock of one that ends."""
    with Path(tempfile.gettempdir(), f"{BRIDGE}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _remove_all():
    for name in _names("netns"):
        if name.startswith(HOST):
            _end(name, psutil.Process.terminate)
            _end(name, psutil.Process.kill)
            _ip("netns", "del", name)
    for name in _names("link"):
        if name == BRIDGE or name.startswith(f"v{HOST}"):
            # A link of a host may go with the host in this moment.
            subprocess.run(["ip", "link", "del", name], capture_output=True, check=False)


def _names(kind):
    """The names of the network namespaces ("netns"), or of the links ("link")."""
    listed = _ip("-json", kind, "show")
    return [each["name" if kind == "netns" else "ifname"] for each in json.loads(listed or "[]")]


def _processes(name):
    found = []
    for pid in _ip("netns", "pids", name).split():
        with suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(int(pid)))
    return found


def _end(name, how):
    """End whatever runs on the host of this name."""
    processes = _processes(name)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            how(process)
    psutil.wait_procs(processes, timeout=ENDS_WITHIN_S)


def _ip(*words):
    """Returns what `ip` prints."""
    return subprocess.run(["ip", *words], check=True, stdout=subprocess.PIPE, text=True).stdout
