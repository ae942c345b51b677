"""A service at work is stopped, by a signal to its process or to the whole group, or loses Ray's GCS."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from rfuav_ray.outputs.manifest import read_run
from tests.support.extent import IS_SHORT, ROUNDS
from tests.support.service_process import ServiceProcess, title_of
from tests.support.task_queries import ask, wait_until_at_work
from tests.support.workload import Job, World, make_photos, submit

STREAMS, IDLE_CONNECTIONS = 20, 5
#: images, so that no run ends by itself
TOO_MANY = 20_000
MOST_ROUNDS = 5
#: after which supervisors of services lose patience
STOPS_WITHIN_S = 20
TERMINATED_GROUP = (signal.SIGTERM, True)
#: the signal, and whether the whole group gets it
WAYS = [TERMINATED_GROUP] if IS_SHORT else [(signal.SIGTERM, False), TERMINATED_GROUP, (signal.SIGINT, True)]


@pytest.fixture
def service(world: World, tmp_path: Path) -> Iterator[ServiceProcess]:
    with ServiceProcess(
        tmp_path / "service", world.root, max_training_concurrent_cpu=2, max_preprocessing_concurrent=1
    ) as started:
        started.start()
        yield started


def begin_work(service: ServiceProcess, world: World, output: Path) -> dict[str, Job]:
    """Two trainings and one preprocessing run, which are at work when this returns."""
    jobs = world.long_jobs(output)
    trainings = [
        replace(job, request=job.request | {"num_epochs": 5000}) for job in jobs if "training" in job.sort
    ]
    many = world.root / "too-many"
    if not many.exists():
        make_photos(many / "train" / "drone", TOO_MANY)
    augment = next(job for job in jobs if "augment" in job.sort)
    augment = replace(augment, request=augment.request | {"dataset_path": str(many)})
    by_id = submit(service.url, [*trainings[:2], augment])
    wait_until_at_work(service, len(by_id))
    return by_id


def follow(url: str) -> None:
    with suppress(httpx2.HTTPError), httpx2.stream("GET", url, timeout=120) as answer:
        for _ in answer.iter_lines():
            pass


def has_kept_its_part(job: Job) -> bool:
    if "training" in job.sort:
        return (job.output / "checkpoint_epoch.pt").exists() or (job.output / "checkpoint.pt").exists()
    run = read_run(job.output)
    return run is not None and run["state"] == "unfinished" and any(job.output.rglob("*.jpg"))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", range(1, min(ROUNDS or 1, MOST_ROUNDS) + 1))
@pytest.mark.parametrize(("signal_number", "to_group"), WAYS)
def test_service_stops_at_work_and_its_runs_keep_their_files(
    service: ServiceProcess, world: World, tmp_path: Path, signal_number: int, to_group: bool, number: int
) -> None:
    by_id = begin_work(service, world, world.root / f"stopping-{signal_number}-{to_group}-{number}")
    with ExitStack() as stack:
        for one in range(STREAMS):
            url = f"{service.url}/api/v2/training/{list(by_id)[one % 2]}/logs"
            threading.Thread(target=follow, args=(url,), daemon=True).start()
        for _ in range(IDLE_CONNECTIONS):
            stack.enter_context(socket.create_connection(("127.0.0.1", service.port)))
        while ask_health(service)["active_log_streams"] < STREAMS:
            pass
        stopped_s = time.monotonic()
        status = service.signal(signal_number, to_group=to_group, timeout_s=STOPS_WITHIN_S)
        seconds = time.monotonic() - stopped_s
        left = service.processes()
    kept = [job.sort for job in by_id.values() if has_kept_its_part(job)]
    name = f"{signal.Signals(signal_number).name} to {'the group' if to_group else 'the process'}"
    print(f"{name}: {seconds:.1f} s, status {status}, kept: {', '.join(kept)}; processes left: {len(left)}")
    assert (status, left) == (0, [])
    assert len(kept) == len(by_id)

    service.start()
    for task_id in by_id:
        assert ask(service, f"tasks/{task_id}")["status"] in {"pending", "running"}
        messages = [entry["message"] for entry in ask(service, f"tasks/{task_id}/logs")]
        assert any("because the service is stopping. Queued again" in message for message in messages)


def ask_health(service: ServiceProcess) -> dict[str, int]:
    found: dict[str, int] = httpx2.get(f"{service.url}/api/v1/health", timeout=30).json()
    return found


@pytest.mark.timeout(300)
def test_service_without_gcs_ends_and_says_why(service: ServiceProcess, world: World) -> None:
    by_id = begin_work(service, world, world.root / "without-gcs")
    gcs = next(process for process in service.processes() if "/gcs_server " in title_of(process))
    os.kill(gcs.pid, signal.SIGKILL)
    assert service.wait(STOPS_WITHIN_S) == 1
    assert service.processes() == []
    assert "GCS" in service.log.read_text()
    service.start()
    for task_id in by_id:
        assert ask(service, f"tasks/{task_id}")["status"] in {"pending", "running"}
