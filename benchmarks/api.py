"""Shared by the API benchmarks: the same load on the service and on plain FastAPI."""

from collections.abc import Sequence
from typing import Any

from benchmarks import load_generator
from benchmarks.figures import Figure, ratios
from benchmarks.load_generator import Load

CONNECTIONS = 16


def in_turns(urls: Sequence[str], runs: int, seconds: int, **load: Any) -> list[list[Load]]:
    """Measure the URLs alternately, so that other work on the machine affects all. Return a list for each URL."""
    loads: list[list[Load]] = [[] for _ in urls]
    for _ in range(runs):
        for url, found in zip(urls, loads, strict=True):
            found.append(load_generator.measure(url, connections=CONNECTIONS, seconds=seconds, **load))
    return loads


def figures(
    work: str,
    ours: Sequence[Load],
    plain: Sequence[Load],
    *,
    rate_at_least: float | None = None,
    p99_at_most_ms: float,
    ratio_at_least: float | None = None,
) -> list[Figure]:
    work = f"{work}, {CONNECTIONS} connections"
    rates = [load.requests_per_second for load in ours]
    plain_rates = [load.requests_per_second for load in plain]
    return [
        Figure(work=f"{work}: requests/s", values=rates, at_least=rate_at_least),
        Figure(work=f"{work}: p50, ms", values=[load.p50_ms for load in ours]),
        Figure(work=f"{work}: p99, ms", values=[load.p99_ms for load in ours], at_most=p99_at_most_ms),
        Figure(work=f"{work}, plain FastAPI: requests/s", values=plain_rates),
        Figure(work=f"{work}, plain FastAPI: p99, ms", values=[load.p99_ms for load in plain]),
        Figure(work=f"{work}: times plain FastAPI", values=ratios(rates, plain_rates), at_least=ratio_at_least),
    ]
