"""Create waiting trainings, alternating with a plain FastAPI service, which keeps them only in memory."""

import json

from benchmarks import baseline
from benchmarks.api import figures, in_turns
from benchmarks.figures import Figure, run_alone
from benchmarks.service import NOTHING_RUNS, running_service, training

MUST = 1150.0


def measure(runs: int = 5, seconds: int = 4) -> list[Figure]:
    with running_service(**NOTHING_RUNS) as (service, folder), baseline.running() as plain_url:
        request = training(folder)
        urls = [f"{url}/api/v2/training/start" for url in (service.url, plain_url)]
        ours, plain = in_turns(urls, runs, seconds, method="POST", body=json.dumps(request))
    return figures("create tasks", ours, plain, rate_at_least=MUST, p99_at_most_ms=50)


if __name__ == "__main__":
    run_alone(measure, __doc__, runs=5, seconds=4)
