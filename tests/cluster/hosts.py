"""Hosts of their own on one machine: each with a network, a host name, a shared memory and a private folder.

Everything else is shared, as on a network file system. Needs root, and Linux's network namespaces.
"""

import os
import shutil
import subprocess
from contextlib import contextmanager, suppress

import psutil

#: a network of this test alone
NETWORK, BRIDGE = "10.78.0", "rfuavbr"
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
        self.name, self.address = f"rfuavh{number}", f"{NETWORK}.{number}"
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
        pids = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True, check=False)
        found = []
        for pid in pids.stdout.split():
            with suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(int(pid)))
        return found

    def end_all(self):
        """End whatever runs on this host."""
        self._end(psutil.Process.terminate)
        self._end(psutil.Process.kill)

    def lose(self):
        """End whatever runs on this host at once, as a loss of its power does."""
        self._end(psutil.Process.kill)

    def _end(self, how):
        processes = self.processes()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                how(process)
        psutil.wait_procs(processes, timeout=ENDS_WITHIN_S)

    def remove(self):
        self.end_all()
        for words in (("netns", "del", self.name), ("link", "del", f"v{self.name}")):
            subprocess.run(["ip", *words], capture_output=True, check=False)


@contextmanager
def new_hosts(count, folder):
    """That many hosts. The program that opens them is outside, on the same network."""
    _ip("link", "add", BRIDGE, "type", "bridge")
    hosts = []
    try:
        _ip("addr", "add", f"{OUTSIDE}/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        for number in range(1, count + 1):
            hosts.append(Host(number, folder))
        yield hosts
    finally:
        for host in hosts:
            host.remove()
        _ip("link", "del", BRIDGE)


def _ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)
