"""Start the service with an empty store, and wait for its first healthy answer."""

import tempfile
import time
from pathlib import Path

import httpx2

from benchmarks.figures import Figure, run_alone
from tests.support.service_process import ServiceProcess

HEALTHY_WITHIN_S = 180
ASK_EVERY_S = 0.05


def measure(runs: int = 3) -> list[Figure]:
    return [
        Figure(work="first healthy answer after start: s", values=[_start_s() for _ in range(runs)], at_most=25)
    ]


def _start_s() -> float:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        ServiceProcess(Path(name) / "service", Path(name)) as service,
        httpx2.Client(trust_env=False, timeout=5) as client,
    ):
        started_s = time.monotonic()
        service.launch()
        while not _is_healthy(client, f"{service.url}/api/v1/health"):
            if time.monotonic() - started_s > HEALTHY_WITHIN_S:
                raise RuntimeError(f"the service did not start: {service.log.read_text(errors='replace')[-2000:]}")
            time.sleep(ASK_EVERY_S)
        return time.monotonic() - started_s


def _is_healthy(client: httpx2.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == 200
    except httpx2.TransportError:
        return False


if __name__ == "__main__":
    run_alone(measure, __doc__, runs=3)
