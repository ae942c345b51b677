"""`make bench`: run all benchmarks, print the table, and write docs/benchmarks.md with its diagram."""

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from benchmarks import (
    augment,
    create_tasks,
    crop,
    document,
    event_streams,
    inference,
    machine,
    read_status,
    read_status_busy,
    spectrogram,
    start_up,
    training,
)
from benchmarks.api import CONNECTIONS
from benchmarks.figures import Figure, Measure, show

MEASUREMENTS: Sequence[Measure] = (
    start_up.measure,
    read_status.measure,
    read_status_busy.measure,
    create_tasks.measure,
    event_streams.measure,
    training.measure,
    inference.measure,
    augment.measure,
    crop.measure,
    spectrogram.measure,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--document", type=Path, default=Path("docs/benchmarks.md"))
    arguments = parser.parse_args()
    started_s = time.monotonic()
    figures: list[Figure] = []
    failed = 0
    for measure in MEASUREMENTS:
        print(f"{time.monotonic() - started_s:4.0f} s: {_name(measure)}", flush=True)
        try:
            figures += measure()
        except Exception:  # the results of the other benchmarks are still useful
            traceback.print_exc()
            failed += 1
    show(figures)
    if failed:
        print(f"{failed} benchmarks failed: {arguments.document} stays as it is.")
        return 1
    minutes = (time.monotonic() - started_s) / 60
    document.write(
        arguments.document,
        figures,
        machine.describe(),
        names=[_name(measure) for measure in MEASUREMENTS],
        minutes=minutes,
        connections=CONNECTIONS,
    )
    print(f"Written to {arguments.document}.")
    return 0


def _name(measure: Measure) -> str:
    return measure.__module__.rpartition(".")[2]


if __name__ == "__main__":
    sys.exit(main())
