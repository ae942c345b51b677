"""Read the status of a task while nothing runs, alternating with a plain FastAPI service."""

from benchmarks import baseline
from benchmarks.api import figures, in_turns
from benchmarks.figures import Figure, run_alone
from benchmarks.service import NOTHING_RUNS, http, running_service, training


def measure(runs: int = 5, seconds: int = 4) -> list[Figure]:
    with running_service(**NOTHING_RUNS) as (service, folder), baseline.running() as plain_url:
        request = training(folder, task_id="waits")
        for url in (service.url, plain_url):
            http.post(f"{url}/api/v2/training/start", json=request).raise_for_status()
        urls = [f"{url}/api/v2/tasks/waits" for url in (service.url, plain_url)]
        ours, plain = in_turns(urls, runs, seconds)
    return figures("read a status", ours, plain, rate_at_least=3500, p99_at_most_ms=20, ratio_at_least=0.55)


if __name__ == "__main__":
    run_alone(measure, __doc__, runs=5, seconds=4)
