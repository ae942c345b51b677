"""What the benchmarks of trained models share: their command line, and figures of accuracy over SNR."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, show
from rfuav_ray.api.results.evaluation import SnrPoint


def main_of(
    measure: Callable[..., tuple[list[Figure], dict[str, Any]]],
    description: str | None,
    **numbers: tuple[int, str],
) -> None:
    """Read numbers from the command line, measure with them, show the figures, and write the results.

    Args:
        measure: Returns the figures, and the results for the file of `--json`.
        description: Of the benchmark.
        numbers: For each argument of `measure`, its default and what it is, which may be empty.
    """
    parser = argparse.ArgumentParser(description=description)
    for name, (default, what) in numbers.items():
        text = f"{what}; default: %(default)s" if what else "default: %(default)s"
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=text)
    parser.add_argument("--json", default="", metavar="FILE", help="where the results are written")
    arguments = vars(parser.parse_args())
    path = arguments.pop("json")
    figures, results = measure(**arguments)
    show(figures)
    if path:
        Path(path).write_text(json.dumps(results, indent=2) + "\n")


def curve_figures(
    curves: Mapping[str, Sequence[SnrPoint]], least_from: Callable[[float], float | None] = lambda snr_db: None
) -> list[Figure]:
    """The accuracy (%) of each point of each curve, with its interval and the lowest that it may be."""
    return [
        Figure(
            work=f"{name}, {point['snr_db']:+.0f} dB, {100 * point['low']:.0f} to {100 * point['high']:.0f}: %",
            values=[100 * point["accuracy"]],
            at_least=least_from(point["snr_db"]),
        )
        for name, curve in curves.items()
        for point in curve
    ]
