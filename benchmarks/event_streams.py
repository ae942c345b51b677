"""Follow the log of one task with many clients while events are written to it: lost or repeated events, and delay.

The delay of an event is the time from its timestamp, when the TaskManager wrote it, to its arrival at a client.
The events are priority changes of a waiting task. `--clients 1000 --seconds 60` is the long form.
"""

import resource
import statistics
import threading
import time

from benchmarks.figures import Figure, run_alone
from benchmarks.service import NOTHING_RUNS, http, running_service, training
from benchmarks.stream_clients import StreamClients
from tests.support.service_process import ServiceProcess

BEGIN_WITHIN_S = 120
END_WITHIN_S = 60
PROCESSES = {"API replica": "ray::ServeReplica", "MetricsActor": "ray::MetricsActor"}


def measure(runs: int = 3, clients: int = 100, seconds: int = 10, lines_per_second: int = 20) -> list[Figure]:
    _allow_many_connections()
    lost, p50_ms, p99_ms = [], [], []
    megabytes: dict[str, list[float]] = {what: [] for what in PROCESSES}
    with running_service(**NOTHING_RUNS) as (service, folder):
        for run in range(runs):
            request = training(folder, task_id=f"followed-{run}")
            http.post(f"{service.url}/api/v2/training/start", json=request).raise_for_status()
            path = f"/api/v2/training/followed-{run}/logs"
            with StreamClients(("127.0.0.1", service.port), path, clients) as streams:
                streams.read_until(streams.have_begun, BEGIN_WITHIN_S)
                streams.live_from_s = time.time()
                task_url = f"{service.url}/api/v2/tasks/followed-{run}"
                writer = threading.Thread(
                    target=_write, args=(service, task_url, seconds, lines_per_second, megabytes), daemon=True
                )
                writer.start()
                streams.read_until(streams.have_ended, seconds + END_WITHIN_S)
                writer.join()
                lost.append(float(streams.lost(seconds * lines_per_second) + streams.doubled))
                percentiles = statistics.quantiles(streams.delays_ms, n=100)
                p50_ms.append(percentiles[49])
                p99_ms.append(percentiles[98])
    work = f"{clients} event streams of one task"
    return [
        Figure(work=f"{work}: events lost or repeated", values=lost, at_most=0),
        Figure(work=f"{work}: delay, p50, ms", values=p50_ms),
        Figure(work=f"{work}: delay, p99, ms", values=p99_ms, at_most=100),
        *(Figure(work=f"{work}: {what}, MB", values=values) for what, values in megabytes.items()),
    ]


def _write(
    service: ServiceProcess,
    task_url: str,
    seconds: int,
    lines_per_second: int,
    megabytes: dict[str, list[float]],
) -> None:
    """Cause events at an even pace, then sample the memory, then cancel the task, which ends the streams."""
    started_s = time.monotonic()
    for line in range(seconds * lines_per_second):
        time.sleep(max(0.0, started_s + line / lines_per_second - time.monotonic()))
        http.post(f"{task_url}/priority", json={"priority": 1 + line % 10}).raise_for_status()
    for what, values in megabytes.items():
        values.append(service.find(PROCESSES[what]).memory_info().rss / 2**20)
    http.post(f"{task_url}/cancel").raise_for_status()


def _allow_many_connections() -> None:
    """Raise the limit of open files for this process and its children."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    run_alone(measure, __doc__, runs=3, clients=100, seconds=10, lines_per_second=20)
