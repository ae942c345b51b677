"""`make bench`: every measurement, then one table with medians and spread."""

import statistics
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from benchmarks import compute, preprocessing, service

MEASUREMENTS: list[Callable[[], dict[str, list[float]]]] = [
    service.measure,
    compute.measure,
    preprocessing.measure,
]


def main() -> None:
    table = Table("work", "median", "lowest", "highest", "runs")
    for measure in MEASUREMENTS:
        for work, figures in measure().items():
            middle, low, high = statistics.median(figures), min(figures), max(figures)
            table.add_row(work, f"{middle:.1f}", f"{low:.1f}", f"{high:.1f}", str(len(figures)))
    Console().print(table)


if __name__ == "__main__":
    main()
