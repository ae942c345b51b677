"""Soak test: mixed load on one service for a long time, and the memory of its processes.

`python -m benchmarks.soak --minutes 30` prints the counts of operations and the change of memory, and plots it.
"""

import argparse
import random
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx2
import numpy as np
import psutil
from matplotlib import colormaps
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from rfuav_ray.tasks import ENDED_STATUSES
from tests.support.service_process import ServiceProcess, title_of
from tests.support.workload import WAITING, World, submit

PICTURE = Path("docs/images/soak-memory.png")
CLIENTS, FOLLOWERS, READERS = 6, 20, 2
SAMPLE_EVERY_S, READ_EVERY_S, POLL_S = 5.0, 0.1, 0.5
LONGEST_FOLLOW_S = 20
CANCELLED_FRACTION, DELETED_FRACTION = 0.15, 0.5
#: the role of a process by a part of its title; the first match counts
ROLES = {
    "ray::TaskManager": "task manager",
    "ray::MetricsActor": "metrics actor",
    "ray::RunSupervisor": "run supervisor",
    "ray::ServeReplica": "API replica",
    "ray::ServeController": "Serve controller",
    "ray::ProxyActor": "Serve proxy",
    "ray::HAProxyManager": "Serve proxy",
    "ray::NodeMonitor": "node monitor",
    "ray::DashboardAgent": "Ray's own",
    "ray::RuntimeEnvAgent": "Ray's own",
    "ray::": "runs and their workers",
    "actors.runs.fork_server": "fork server",
    "/bin/haproxy -db": "HAProxy",
    "serve_app serve": "rfuav serve",
}
#: seconds since the start and megabytes, by role
Samples = Mapping[str, Sequence[tuple[float, float]]]


class Load:
    """Clients in a closed loop. All threads end when `is_over` is set."""

    def __init__(self, url: str, world: World, is_over: threading.Event) -> None:
        self.counts: Counter[str] = Counter()
        self._url = f"{url}/api/v2/tasks"
        self._base_url = url
        self._world = world
        self._is_over = is_over
        self._ids: list[str] = []
        parts = [self._work] * CLIENTS + [self._follow] * FOLLOWERS + [self._read] * READERS
        self._threads = [threading.Thread(target=self._repeat, args=part) for part in enumerate(parts)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, number: int, part: Callable[[httpx2.Client, random.Random], None]) -> None:
        numbers = random.Random(number)
        with httpx2.Client(timeout=30) as client:
            while not self._is_over.is_set():
                try:
                    part(client, numbers)
                except httpx2.HTTPError as error:
                    self.counts[f"error: {type(error).__name__}"] += 1

    def _work(self, client: httpx2.Client, numbers: random.Random) -> None:
        """Submit a task and wait for its end. Cancels some tasks, deletes some, and removes all output files."""
        sort = numbers.choice(WAITING)
        output = self._world.root / f"{sort}-{numbers.getrandbits(64):x}"
        (task_id,) = submit(self._base_url, [self._world.small_job(sort, output)])
        self._ids = [*self._ids[-FOLLOWERS:], task_id]
        is_cancelled = numbers.random() < CANCELLED_FRACTION
        status = ""
        while status not in ENDED_STATUSES and not self._is_over.wait(POLL_S):
            if is_cancelled and numbers.random() < 0.3:
                client.post(f"{self._url}/{task_id}/cancel")
            status = client.get(f"{self._url}/{task_id}").json()["status"]
        self.counts[f"{sort} {status or 'left'}"] += 1
        shutil.rmtree(output, ignore_errors=True)
        if status in ENDED_STATUSES and numbers.random() < DELETED_FRACTION:
            self._ids = [one for one in self._ids if one != task_id]
            self.counts[f"deleted: {client.delete(f'{self._url}/{task_id}').status_code}"] += 1

    def _follow(self, client: httpx2.Client, numbers: random.Random) -> None:
        """Follow the event stream of one of the newest tasks, for at most LONGEST_FOLLOW_S."""
        if self._is_over.wait(numbers.random()) or not self._ids:
            return
        until_s = time.monotonic() + numbers.uniform(0, LONGEST_FOLLOW_S)
        headers = {"Accept": "text/event-stream"}
        with client.stream("GET", f"{self._url}/{numbers.choice(self._ids)}/logs", headers=headers) as answer:
            self.counts[f"streams: {answer.status_code}"] += 1
            for line in answer.iter_lines():
                self.counts["events"] += line.startswith("id: ")
                if self._is_over.is_set() or time.monotonic() > until_s:
                    return

    def _read(self, client: httpx2.Client, numbers: random.Random) -> None:
        self._is_over.wait(READ_EVERY_S)
        path = numbers.choice(["", "?status=completed", "?status=running", *(f"/{one}" for one in self._ids)])
        self.counts[f"reads: {client.get(self._url + path).status_code}"] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--picture", type=Path, default=PICTURE)
    arguments = parser.parse_args()
    is_over = threading.Event()
    # SIGTERM must end the service too, as ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as name,
        ServiceProcess(Path(name) / "service", Path(name)) as service,
    ):
        service.start()
        with Load(service.url, World(Path(name)), is_over) as load:
            samples = _sample(service, 60 * arguments.minutes)
    _print(samples, load.counts)
    _draw(samples, arguments.picture)


def _sample(service: ServiceProcess, seconds: float) -> Samples:
    samples: dict[str, list[tuple[float, float]]] = defaultdict(list)
    started_s = time.monotonic()
    while (passed_s := time.monotonic() - started_s) < seconds:
        sums: Counter[str] = Counter()
        for process in service.processes():
            try:
                # Not the resident size, which counts shared memory, such as Ray's object store, for each process.
                sums[_role(title_of(process))] += process.memory_full_info().uss
            except psutil.NoSuchProcess:
                continue
        for role, size in sums.items():
            samples[role].append((passed_s, size / 2**20))
        time.sleep(SAMPLE_EVERY_S)
    return samples


def _role(title: str) -> str:
    return next((role for part, role in ROLES.items() if part in title), "Ray's own")


def _print(samples: Samples, counts: Mapping[str, int]) -> None:
    table = Table("process", "first MB", "last MB", "MB an hour, second half", title="Memory of their own (USS)")
    for role, points in sorted(samples.items()):
        tenth = max(1, len(points) // 10)
        megabytes = [size for _, size in points]
        half = np.array(points[len(points) // 2 :])
        slope = np.polyfit(half[:, 0], half[:, 1], 1)[0] * 3600 if len(half) > 1 else 0.0
        first, last = np.mean(megabytes[:tenth]), np.mean(megabytes[-tenth:])
        table.add_row(role, f"{first:.0f}", f"{last:.0f}", f"{slope:+.1f}")
    done = Table("what", "times", title="Done")
    for what, times in sorted(counts.items()):
        done.add_row(what, str(times))
    Console().print(table, done)


def _draw(samples: Samples, picture: Path) -> None:
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    axes.set_prop_cycle(color=[colormaps["tab20"](number) for number in range(20)])
    for role, points in sorted(samples.items()):
        axes.plot([passed_s / 60 for passed_s, _ in points], [size for _, size in points], label=role)
    axes.set(title="Memory under mixed load", xlabel="minutes", ylabel="of their own (USS), MB", yscale="log")
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    axes.grid(alpha=0.3)
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=100)


if __name__ == "__main__":
    main()
