"""Create trainings that wait, in turns with a plain FastAPI service, which only keeps them in memory."""

import json

from benchmarks import baseline
from benchmarks.api import figures, in_turns
from benchmarks.figures import Figure, ratios, run_alone
from benchmarks.service import NOTHING_RUNS, http, running_service, training

MUST = 1150.0
#: what the original creates and reads in a second, on the same machine
TIMES_READS = 1150 / 6300


def measure(runs: int = 5, seconds: int = 4) -> list[Figure]:
    with running_service(**NOTHING_RUNS) as (service, folder), baseline.running() as plain_url:
        request = training(folder)
        http.post(f"{plain_url}/api/v2/training/start", json=request | {"task_id": "waits"}).raise_for_status()
        urls = [f"{url}/api/v2/training/start" for url in (service.url, plain_url)]
        ours, plain = in_turns(urls, runs, seconds, method="POST", body=json.dumps(request))
        (reads,) = in_turns([f"{plain_url}/api/v2/tasks/waits"], runs, seconds)
    rates, read_rates = ([load.requests_per_second for load in loads] for loads in (ours, reads))
    return [
        *figures("create tasks", ours, plain, rate_at_least=MUST, p99_at_most_ms=50),
        Figure(
            work="create tasks: times plain FastAPI's reads",
            values=ratios(rates, read_rates),
            at_least=TIMES_READS,
        ),
    ]


if __name__ == "__main__":
    run_alone(measure, __doc__, runs=5, seconds=4)
