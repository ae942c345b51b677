"""What a benchmark found: a row of the table, with what it must be, and how a script shows its rows."""

import argparse
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

COLUMNS = ("work", "must", "median", "lowest", "highest", "runs", "met")


@dataclass(frozen=True, kw_only=True)
class Figure:
    #: what was done, and the unit behind a colon
    work: str
    #: of each run
    values: Sequence[float]
    #: the bound that the median must keep, if there is one
    at_least: float | None = None
    at_most: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def is_met(self) -> bool | None:
        """None where nothing is demanded."""
        if self.at_least is not None:
            return self.median >= self.at_least
        return None if self.at_most is None else self.median <= self.at_most

    @property
    def must(self) -> str:
        if self.at_least is not None:
            return f"≥ {number(self.at_least)}"
        return "" if self.at_most is None else f"≤ {number(self.at_most)}"

    def cells(self) -> tuple[str, ...]:
        """In the order of COLUMNS."""
        met = {None: "", True: "yes", False: "no"}[self.is_met]
        spread = (number(self.median), number(min(self.values)), number(max(self.values)))
        return (self.work, self.must, *spread, str(len(self.values)), met)


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Of each run, as the two were measured by turns."""
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
    """Rates of this service and of the original's way, by turns; `must` is the bound of ours.

    Their ratio has to be at least `times`, if that is given.
    """
    return [
        Figure(work=f"{work}: {unit}/s", values=ours, at_least=must),
        Figure(work=f"{work}, the original's way: {unit}/s", values=original),
        Figure(work=f"{work}: times the original's way", values=ratios(ours, original), at_least=times),
    ]


#: from the options of the command line, which are whole numbers, to the figures
Measure = Callable[..., list[Figure]]


def number(value: float) -> str:
    """Three digits, or all those before the point."""
    decimals = 0 if abs(value) >= 100 or value == 0 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{decimals}f}"


def table(figures: Sequence[Figure]) -> Table:
    shown = Table(*COLUMNS)
    for figure in figures:
        shown.add_row(*figure.cells())
    return shown


def show(figures: Sequence[Figure]) -> None:
    """On the terminal; a file gets whole lines."""
    console = Console()
    console = console if console.is_terminal else Console(width=160)
    console.print(table(figures))


def run_alone(measure: Measure, description: str | None, **defaults: int) -> None:
    """A script's `main`: each of the defaults is an option, and the figures are printed."""
    parser = argparse.ArgumentParser(description=description)
    for name, default in defaults.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=int, default=default, metavar="N", help="default: %(default)s")
    show(measure(**vars(parser.parse_args())))
