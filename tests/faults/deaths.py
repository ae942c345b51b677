"""The ways in which a service, or a part of it, dies."""

import os
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.followers import Event, Followers
from tests.support.service_process import ServiceProcess

#: the service's own limit of retries is 2
DEATHS_OF_A_RUN = 2
RUN_STARTED = re.compile(r"^Run \d+ started in process (\d+)")


@dataclass
class Victim:
    """A service at work."""

    service: ServiceProcess
    followers: Followers
    #: where the results are
    output: Path
    random: random.Random
    #: the tasks that run
    at_work: Sequence[str] = ()
    runs_killed: Counter[str] = field(default_factory=Counter)


def runner(victim: Victim) -> None:
    """The worker process of one run."""
    processes = {process.pid: process for process in victim.service.processes()}
    seen = victim.followers.seen()
    alive = {
        task_id: pid
        for task_id in victim.at_work
        if (pid := _pid_of_run(seen[task_id])) in processes and victim.runs_killed[task_id] < DEATHS_OF_A_RUN
    }
    task_id = victim.random.choice(sorted(alive))
    victim.runs_killed[task_id] += 1
    processes[alive[task_id]].kill()


def _pid_of_run(events: Sequence[Event]) -> int:
    found = [match for _, entry in events if (match := RUN_STARTED.search(entry["message"]))]
    return int(found[-1].group(1)) if found else 0


def _part(*titles: str) -> Callable[[Victim], None]:
    return lambda victim: victim.service.find(*titles).kill()


def service_killed(victim: Victim) -> None:
    victim.service.kill()
    victim.service.start()


def service_stopped(victim: Victim) -> None:
    victim.service.terminate()
    victim.service.start()


def power_loss(victim: Victim) -> None:
    """Everything ends at once, and what was written last is damaged: the database's log, half of a checkpoint."""
    victim.service.kill()
    for log in victim.service.state_dir.glob("*-wal"):
        with log.open("ab") as file:
            file.write(victim.random.randbytes(20_000))
    checkpoints = sorted(victim.output.rglob("checkpoint*.pt"), key=lambda file: file.stat().st_mtime_ns)
    for newest in checkpoints[-1:]:  # perhaps there is none yet
        os.truncate(newest, newest.stat().st_size // 2)
    victim.service.start()


#: runs stay at work
GENTLE: dict[str, Callable[[Victim], None]] = {
    "TaskManager": _part("ray::TaskManager"),
    "MetricsActor": _part("ray::MetricsActor"),
    "API replica": _part("ray::ServeReplica"),
    "Serve controller": _part("ray::ServeController"),
    # The second is what starts the first.
    "HAProxy": lambda victim: victim.service.haproxy().kill(),
    "Serve proxy": _part("ray::HAProxyManager"),
    "runner": runner,
}
#: every run begins again from where it was stored
HARD: dict[str, Callable[[Victim], None]] = {
    "RunSupervisor": _part("ray::RunSupervisor"),
    "service killed": service_killed,
    "service stopped": service_stopped,
    "power loss": power_loss,
}
DEATHS = GENTLE | HARD


#: gentle and hard ones in turn
_PATTERN, _SHORT_PATTERN = "ghgghgghggh", "gghgg"
#: in the short form, too: the one that all others lean on
_ALWAYS = "TaskManager"


def order(numbers: random.Random, *, is_short: bool) -> list[str]:
    """Deaths by chance, each once; the short form has some of the gentle ones, and the worst of the hard ones."""
    if is_short:
        others = numbers.sample(sorted(GENTLE.keys() - {_ALWAYS}), _SHORT_PATTERN.count("g") - 1)
        gentle, hard, pattern = [_ALWAYS, *others], ["power loss"], _SHORT_PATTERN
        numbers.shuffle(gentle)
    else:
        gentle, hard, pattern = sorted(GENTLE), sorted(HARD), _PATTERN
        numbers.shuffle(gentle)
        numbers.shuffle(hard)
    return [(gentle if kind == "g" else hard).pop() for kind in pattern]
