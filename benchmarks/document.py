"""Writing docs/benchmarks.md and its diagram."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from matplotlib.figure import Figure as Diagram
from matplotlib.ticker import LogLocator, NullFormatter

from benchmarks.figures import COLUMNS, Figure

_TEXT = """\
# Benchmarks

`make bench` wrote this file on {day}, in {minutes:.0f} minutes. `python -m benchmarks.<name>` runs one of the
benchmarks alone: {names}.

{table}

![Each result as a multiple of its bound]({picture})

{machine}

How it was measured:

- The results are those of the whole service as `rfuav serve` starts it, measured at its clients. Augment and
  crop run the same code on a separate Ray with the service's environment variables. The median counts. Other
  work on the machine changes all results.
- "must" is the result of the original service, times 0.55 to 4. The original is a FastAPI service in one process
  that keeps its tasks in a dict. Its results are from another run, on an idle machine with 2 cores and
  avx512_bf16: it answered 6,300 reads/s, started 1,150 tasks/s, trained 22, classified 33 and cropped 230
  images/s and wrote 65 augmented ones. On any other machine, only the rows "times …" with a bound are
  comparable: both sides of such a row were measured in the same run, alternately.
- "The original's way" (`benchmarks/original_way.py`) trains, classifies, augments and crops like the original, in
  a separate process: fp32, one image after the other, each decoded again at every use. To classify an image, it
  decodes the image twice, draws the answer into it and writes it as a JPEG; this service writes tables. To
  augment an image, it also writes the unchanged image again with each method, which counts once. Its log, the
  tables of a validation and the checkpoints are omitted. It crops as fast as one core can, so two cores can crop
  at most twice as fast.
- Steps and model "alone" (`benchmarks/model_alone.py`) are the rates of the processor without other work, on
  random tensors: nothing is read, decoded, validated or stored.
- Plain FastAPI (`benchmarks/baseline.py`: the same routes and models, no checks on disk, nothing stored) is
  measured in the same run by the same load generator, alternating with the service.
- The load generator, one process with {connections} connections, uses the same cores as the service. An
  answer that is not 2xx ends the benchmark.
- A task of the service is on disk before the answer. A task of plain FastAPI is in memory, and its paths are not
  checked. All tasks are alike, and use the same data set.
- The delay of an event is the time from its timestamp, when it was written, to its arrival at a client. A run
  reports its events every 0.4 s.
- The scripts make the data: JPEGs of 640×640 pixels of smooth noise. A run has all cores: its limit is 1.
"""


def write(
    file: Path,
    figures: Sequence[Figure],
    machine: Mapping[str, str],
    *,
    names: Sequence[str],
    minutes: float,
    connections: int,
) -> None:
    """Write the document, and the diagram to images/ beside it."""
    picture = Path("images/benchmarks.png")
    draw(file.parent / picture, figures)
    text = _TEXT.format(
        day=date.today(),
        minutes=minutes,
        names=", ".join(f"`{name}`" for name in names),
        table=markdown([COLUMNS, *(figure.cells() for figure in figures)]),
        picture=picture,
        machine=markdown([("machine", ""), *machine.items()]),
        connections=connections,
    )
    file.write_text(text, encoding="utf-8")


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Format a Markdown table. The first row is the header."""
    head, *others = ("| " + " | ".join(row) + " |" for row in rows)
    return "\n".join([head, "|" + " --- |" * len(rows[0]), *others])


def draw(file: Path, figures: Sequence[Figure]) -> None:
    """Plot median and range of each result with a bound, as a multiple of the bound. Further right is better."""
    bounded = [figure for figure in figures if figure.at_least or figure.at_most]
    picture = Diagram(figsize=(9, 1.2 + 0.35 * len(bounded)), layout="constrained")
    axes = picture.subplots()
    for place, figure in enumerate(reversed(bounded)):
        middle, *ends = (_times_better(figure, value) for value in (figure.median, *_range(figure)))
        axes.barh(place, middle, color="tab:green" if figure.is_met else "tab:red", height=0.6)
        axes.plot(ends, [place, place], color="black", linewidth=1, marker="|")
    axes.set_yticks(range(len(bounded)), [figure.work for figure in reversed(bounded)], fontsize="small")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set(
        xscale="log", xlabel="multiple of the bound (median; the line is the range of all runs); higher is better"
    )
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="x", which="both", alpha=0.3)
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(file, dpi=100)


def _range(figure: Figure) -> tuple[float, float]:
    return min(figure.values), max(figure.values)


def _times_better(figure: Figure, value: float) -> float:
    return value / figure.at_least if figure.at_least else (figure.at_most or 1) / value
