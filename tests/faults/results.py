"""What the deaths did, and the table of it."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Death:
    name: str
    #: of the twenty tasks that wait, at that moment
    waiting: int
    #: seen right after it
    lost_tasks: int
    lost_entries: int
    reads_failed_s: float
    slowest_read_s: float
    writes_failed_s: float
    #: from the death to the moment at which five runs moved on
    at_work_after_s: float


@dataclass(frozen=True, kw_only=True)
class Round:
    """What was found when all tasks of a round had ended."""

    seconds: float
    tasks: int
    lost_tasks: int
    not_completed: int
    #: gaps in the stored log, or entries that a follower saw and the log has not, or the other way round
    lost_entries: int
    doubled_entries: int
    #: more than one last event
    doubled_results: int
    #: not those of the undisturbed run
    other_results: int


@dataclass
class Results:
    deaths: list[Death] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    #: what each sort of job leaves behind when nothing dies
    undisturbed: dict[str, Any] = field(default_factory=dict)

    def show(self) -> None:
        console = Console(width=150)
        for title, header, rows in (self._deaths(), self._rounds()):
            table = Table(*header, title=title)
            for row in rows:
                table.add_row(*row)
            console.print(table)
        if file := os.environ.get("FAULT_TABLE"):
            Path(file).write_text("\n".join(_markdown(*part) for part in (self._deaths(), self._rounds())))

    def _deaths(self) -> tuple[str, list[str], list[list[str]]]:
        header = ["death", "times", "waiting, fewest", "lost tasks", "lost entries"]
        header += ["reads failed, s", "slowest read, s", "writes failed, s", "at work again after, s"]
        rows = []
        for name in dict.fromkeys(death.name for death in self.deaths):
            deaths = [death for death in self.deaths if death.name == name]
            rows.append(
                [
                    name,
                    str(len(deaths)),
                    str(min(death.waiting for death in deaths)),
                    str(sum(death.lost_tasks for death in deaths)),
                    str(sum(death.lost_entries for death in deaths)),
                    _spread(death.reads_failed_s for death in deaths),
                    _spread(death.slowest_read_s for death in deaths),
                    _spread(death.writes_failed_s for death in deaths),
                    _spread(death.at_work_after_s for death in deaths),
                ]
            )
        return "Deaths (seconds: median / longest)", header, rows

    def _rounds(self) -> tuple[str, list[str], list[list[str]]]:
        figures = {
            "tasks": [done.tasks for done in self.rounds],
            "tasks lost": [done.lost_tasks for done in self.rounds],
            "tasks not completed": [done.not_completed for done in self.rounds],
            "log entries lost": [done.lost_entries for done in self.rounds],
            "log entries doubled": [done.doubled_entries for done in self.rounds],
            "final results doubled": [done.doubled_results for done in self.rounds],
            "results unlike the undisturbed run's": [done.other_results for done in self.rounds],
        }
        rows = [[what, str(sum(counts))] for what, counts in figures.items()]
        rows.append(["a round: s", _spread(done.seconds for done in self.rounds)])
        return f"At the end of {len(self.rounds)} rounds", ["found", "sum"], rows


def _spread(seconds: Iterable[float]) -> str:
    figures = list(seconds)
    return f"{median(figures):.1f} / {max(figures):.1f}" if figures else ""


def _markdown(title: str, header: list[str], rows: list[list[str]]) -> str:
    lines = [" | ".join(row) for row in (header, ["---"] * len(header), *rows)]
    return f"{title}\n\n" + "".join(f"| {line} |\n" for line in lines)
