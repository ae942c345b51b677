"""Writes the plots and the page of an evaluation."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from rfuav_ray.api.results import EvaluationReport
from rfuav_ray.evaluation.calibration import ReliabilityBin
from rfuav_ray.evaluation.report.page import Drawings, page
from rfuav_ray.evaluation.report.plots import BLUE, reliability_figure, snr_figure
from rfuav_ray.evaluation.report.svg import inline_svg
from rfuav_ray.events import Report, RunEvent, ignore
from rfuav_ray.file_access.folders import remove_file
from rfuav_ray.file_access.limits import MAX_IMAGE_BYTES
from rfuav_ray.file_access.reading import read_file
from rfuav_ray.files import write_text
from rfuav_ray.outputs.artifacts import EVALUATION_FILES
from rfuav_ray.settings import installed_version
from rfuav_ray.training.plots import NUMBERED_CLASSES, confusion_figure, plot_confusion_matrix, save_png

#: A matrix of more classes has cells of less than a pixel.
MOST_CLASSES_OF_A_PLOT = 400
#: from transparent: what is behind an empty cell is the page
_CELLS = LinearSegmentedColormap.from_list("cells", [f"{BLUE}00", "#2a68b5ff"])


@dataclass(frozen=True)
class About:
    """What the report says beside the numbers."""

    #: the name of the model
    model: str
    #: what was evaluated and how, by name
    settings: Mapping[str, object] = field(default_factory=dict)
    #: everything that is doubtful about the numbers
    warnings: Sequence[str] = ()
    #: titles with the bins of reliability diagrams, such as before and after
    reliability: Sequence[tuple[str, Sequence[ReliabilityBin]]] = ()


def write(folder: Path, numbers: EvaluationReport, about: About, report: Report = ignore) -> None:
    """Write report.html, confusion_matrix.png, snr.png and reliability.png.

    A plot that there is nothing for is removed, if an earlier evaluation left one.

    Args:
        folder: It is created if it is missing.
        numbers: What the evaluation has found.
        about: What else the report says.
        report: Called between the plots. It may raise to stop.

    Raises:
        OSError: A file cannot be written.
    """
    drawings = Drawings(
        confusion=_confusion(folder, numbers, report),
        snr=_snr(folder, numbers, report),
        reliability=_reliability(folder, about, report),
    )
    report(RunEvent())
    footer = f"rfuav-ray {installed_version()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    text = page(
        numbers,
        drawings,
        title=about.model,
        settings=about.settings,
        warnings=about.warnings,
        footer=footer,
    )
    write_text(folder / EVALUATION_FILES["report_html"], text)


def _confusion(folder: Path, numbers: EvaluationReport, report: Report) -> str:
    path, names = folder / EVALUATION_FILES["confusion_matrix"], numbers["class_names"]
    matrix = np.array(numbers.get("confusion_matrix", []))
    if matrix.ndim != 2 or len(names) > MOST_CLASSES_OF_A_PLOT:
        remove_file(path)
        return ""
    report(RunEvent())
    plot_confusion_matrix(path, matrix, names)
    if len(names) > NUMBERED_CLASSES:
        # Through the door of all files: a link may have taken its place.
        content = base64.b64encode(read_file(path, largest_bytes=MAX_IMAGE_BYTES)).decode()
        return f'<img alt="Confusion matrix" src="data:image/png;base64,{content}">'
    figure = confusion_figure(matrix, names, title="", colours=_CELLS)
    return inline_svg(figure, "confusion", f"Confusion matrix of {len(names)} classes")


def _snr(folder: Path, numbers: EvaluationReport, report: Report) -> str:
    path, points = folder / EVALUATION_FILES["snr"], numbers["by_snr"]
    if not points:
        remove_file(path)
        return ""
    report(RunEvent())
    figure = snr_figure(points, len(numbers["class_names"]))
    save_png(figure, path)
    return inline_svg(figure, "snr", "Curve of the accuracy over the signal-to-noise ratio")


def _reliability(folder: Path, about: About, report: Report) -> str:
    path = folder / EVALUATION_FILES["reliability"]
    if not about.reliability:
        remove_file(path)
        return ""
    report(RunEvent())
    figure = reliability_figure(about.reliability)
    save_png(figure, path)
    return inline_svg(figure, "reliability", "Reliability diagram: accuracy over confidence")
