"""2 trainings, 2 inferences and 1 preprocessing run, 20 tasks wait, and every part of the service dies.

The short form has one of each, half as long, fewer that wait, and fewer deaths: after one of them all runs begin
again.
"""

import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests.faults.deaths import DEATHS, RUN_STARTED, Victim, order
from tests.faults.followers import Event, Followers, changed, is_last, stored_log
from tests.faults.probes import Probes
from tests.faults.results import Death, Results, Round
from tests.support.extent import IS_SHORT, LIMITS, ROUNDS, SEED, WAITING_JOBS
from tests.support.service_process import ServiceProcess
from tests.support.task_queries import client, list_all, wait_for_ends, wait_until_at_work
from tests.support.workload import Job, World, outcome, submit

RUNNING = sum(LIMITS.values())
#: of the API between two deaths; 10 a second at most
FEWEST_READS, MOST_READS = 5, 20 if IS_SHORT else 30
WRITES_FAIL_AT_MOST_S = 10.0


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("number", range(1, (ROUNDS or 1) + 1))
def test_service_loses_nothing_at_any_death(number: int, world: World, results: Results) -> None:
    numbers = random.Random(f"{SEED} {number}")
    output = world.root / f"round-{number}"
    started_s = time.monotonic()
    with ServiceProcess(output / "service", world.root, **LIMITS) as service:
        service.start()
        if not results.undisturbed:
            results.undisturbed = _outcomes(service, world)
        long = submit(service.url, world.long_jobs(output))
        jobs = long | submit(service.url, world.waiting_jobs(output))
        with Followers(service.url) as followers:
            victim = Victim(service, followers, output, numbers)
            deaths = list(_let_die(victim, jobs, results))
            for task_id in _cancel_what_never_ran(service, long):
                del jobs[task_id]
            followers.follow(jobs)
            tasks = wait_for_ends(service, jobs)
            followers.wait(jobs)
        done = _judge(service, jobs, tasks, followers.seen(), results.undisturbed, time.monotonic() - started_s)
        results.rounds.append(done)
    print(f"\nround {number}: {done}")
    counts = {name: count for name, count in vars(done).items() if name not in {"seconds", "tasks"} and count}
    assert not counts, f"FAULT_SEED={SEED}, round {number}"
    assert not any(death.lost_tasks or death.lost_entries for death in deaths)
    manager = next(death for death in deaths if death.name == "TaskManager")
    assert manager.reads_failed_s == 0 and manager.writes_failed_s < WRITES_FAIL_AT_MOST_S


def _outcomes(service: ServiceProcess, world: World) -> dict[str, Any]:
    """What one job of each sort leaves behind."""
    output = world.root / "undisturbed"
    jobs = {job.sort: job for job in world.long_jobs(output) + world.waiting_jobs(output)}
    by_id = submit(service.url, list(jobs.values()))
    tasks = wait_for_ends(service, by_id)
    assert {task["status"] for task in tasks.values()} == {"completed"}, tasks
    return {job.sort: outcome(job, tasks[task_id]) for task_id, job in by_id.items()}


def _let_die(victim: Victim, jobs: Mapping[str, Job], results: Results) -> Iterator[Death]:
    """Each death once, at a random moment of the work, and what it did to the API until the work goes on."""
    service, followers = victim.service, victim.followers
    waiting_ids = list(jobs)[-WAITING_JOBS:]
    victim.at_work = wait_until_at_work(service, RUNNING)
    with Probes(service.url, read_id=waiting_ids[0], waiting_id=waiting_ids[-1]) as probes:
        for name in order(victim.random, is_short=IS_SHORT):
            followers.follow([*victim.at_work, *waiting_ids])
            # No event of the tasks is waited for: death has to come between two of them, too.
            probes.wait_for_reads(victim.random.randint(FEWEST_READS, MOST_READS))
            seen = followers.seen()
            waiting = len(list_all(service, status="pending").keys() & waiting_ids)
            died_s = time.monotonic()
            DEATHS[name](victim)
            victim.at_work = wait_until_at_work(service, RUNNING)
            at_work_after_s = time.monotonic() - died_s
            lost_tasks = len(jobs.keys() - list_all(service).keys())
            lost_entries = sum(changed(events, stored_log(service, task_id)) for task_id, events in seen.items())
            until_s = time.monotonic()
            death = Death(
                name=name,
                waiting=waiting,
                lost_tasks=lost_tasks,
                lost_entries=lost_entries,
                reads_failed_s=probes.reads_failed_s(died_s, until_s),
                slowest_read_s=probes.slowest_read_s(died_s, until_s),
                writes_failed_s=probes.writes_failed_s(died_s, until_s),
                at_work_after_s=at_work_after_s,
            )
            print(f"\n{death}", end="", flush=True)
            results.deaths.append(death)
            yield death


def _cancel_what_never_ran(service: ServiceProcess, long: Iterable[str]) -> list[str]:
    """The long tasks that were not needed."""
    cancelled = []
    for task_id in long:
        if not any(RUN_STARTED.search(entry["message"]) for _, entry in stored_log(service, task_id)):
            assert client.post(f"{service.url}/api/v2/tasks/{task_id}/cancel").status_code == 200
            cancelled.append(task_id)
    return cancelled


def _judge(
    service: ServiceProcess,
    jobs: Mapping[str, Job],
    tasks: Mapping[str, dict[str, Any]],
    seen: Mapping[str, Sequence[Event]],
    undisturbed: Mapping[str, Any],
    seconds: float,
) -> Round:
    logs = {task_id: stored_log(service, task_id) for task_id in jobs}
    completed = {task_id: job for task_id, job in jobs.items() if tasks[task_id]["status"] == "completed"}
    others = [
        task_id for task_id, job in completed.items() if outcome(job, tasks[task_id]) != undisturbed[job.sort]
    ]
    for task_id in [*(jobs.keys() - completed.keys()), *others]:
        print(f"\n{jobs[task_id].sort}: {tasks[task_id]}")
    lasts = {task_id: sum(is_last(entry) for _, entry in log) for task_id, log in logs.items()}
    return Round(
        tasks=len(jobs),
        seconds=seconds,
        lost_tasks=len(jobs.keys() - list_all(service).keys()),
        not_completed=len(jobs) - len(completed),
        lost_entries=sum(_differences(seen[task_id], log) for task_id, log in logs.items()),
        doubled_entries=sum(_doubled(logs[task_id], job.epochs) for task_id, job in completed.items()),
        doubled_results=sum(count != 1 for count in lasts.values()),
        other_results=len(others),
    )


def _differences(seen: Sequence[Event], stored: Sequence[Event]) -> int:
    """Both must be the same events, numbered from 1 without a gap."""
    pairs = zip(seen, stored, strict=False)
    return abs(len(seen) - len(stored)) + sum(
        one != other or one[0] != place for place, (one, other) in enumerate(pairs, start=1)
    )


def _doubled(log: Sequence[Event], epochs: int) -> int:
    """Ends of epochs that are there more than once, or not in their place."""
    steps = [entry["step"] for _, entry in log if entry.get("stage") == "epoch_end"]
    if steps == list(range(1, epochs + 1)):
        return 0
    print(f"\nends of epochs {steps}:", *(entry["message"] for _, entry in log), sep="\n  ")
    return max(1, sum(times - 1 for times in Counter(steps).values()))
