"""Results of benchmarks: one row of the table with its bound, and printing the rows of a script."""

import argparse
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

COLUMNS = ("work", "must", "median", "lowest", "highest", "runs", "met")


@dataclass(frozen=True, kw_only=True)
class Figure:
    #: the measured work, then a colon and the unit
    work: str
    #: one value for each run
    values: Sequence[float]
    #: the bound for the median, if any
    at_least: float | None = None
    at_most: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def is_met(self) -> bool | None:
        """Whether the median keeps the bound. None without a bound."""
        if self.at_least is not None:
            return self.median >= self.at_least
        return None if self.at_most is None else self.median <= self.at_most

    @property
    def must(self) -> str:
        if self.at_least is not None:
            return f"≥ {number(self.at_least)}"
        return "" if self.at_most is None else f"≤ {number(self.at_most)}"

    def cells(self) -> tuple[str, ...]:
        """The cells of the row, in the order of COLUMNS."""
        met = {None: "", True: "yes", False: "no"}[self.is_met]
        spread = (number(self.median), number(min(self.values)), number(max(self.values)))
        return (self.work, self.must, *spread, str(len(self.values)), met)


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Return the ratio for each pair of runs. The runs of both sides alternated."""
    return [one / another for one, another in zip(ours, theirs, strict=True)]


def compared(
    work: str,
    unit: str,
    ours: Sequence[float],
    original: Sequence[float],
    *,
    must: float,
    times: float | None = None,
) -> list[Figure]:
    """Return the rows that compare this service with the method of the original service.

    Args:
        work: Text for the rows.
        unit: The unit that is counted, such as images.
        ours: Rates of this service, per second.
        original: Rates of the original method, per second, measured alternately with `ours`.
        must: Lower bound for the median of `ours`.
        times: Lower bound for the ratio, if any.
    """
    return [
        Figure(work=f"{work}: {unit}/s", values=ours, at_least=must),
        Figure(work=f"{work}, the original's way: {unit}/s", values=original),
        Figure(work=f"{work}: times the original's way", values=ratios(ours, original), at_least=times),
    ]


#: takes the command line options of the script, which are integers
Measure = Callable[..., list[Figure]]


def number(value: float) -> str:
    """Format a number with three significant digits. Numbers from 100 up are rounded to integers."""
    decimals = 0 if abs(value) >= 100 or value == 0 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{decimals}f}"


def table(figures: Sequence[Figure]) -> Table:
    shown = Table(*COLUMNS)
    for figure in figures:
        shown.add_row(*figure.cells())
    return shown


def show(figures: Sequence[Figure]) -> None:
    """Print the table. In a file or pipe, the lines are not cut to the width of a terminal."""
    console = Console()
    console = console if console.is_terminal else Console(width=160)
    console.print(table(figures))


def run_alone(measure: Measure, description: str | None, **defaults: int) -> None:
    """The `main` of a benchmark script: make an option of each default, measure, and print the table."""
    parser = argparse.ArgumentParser(description=description)
    for name, default in defaults.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=int, default=default, metavar="N", help="default: %(default)s")
    show(measure(**vars(parser.parse_args())))
