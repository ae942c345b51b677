"""Plots of an evaluation, as matplotlib figures without pyplot: the SNR curve and the reliability diagram.

All colours but black can be read on white and on nearly black: a plot is a PNG on white, and part of a page that
may be dark (`rfuav_ray.evaluation.report.svg`).
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from rfuav_ray.api.results import SnrPoint
from rfuav_ray.evaluation.calibration import BINS, ReliabilityBin

BLUE, ORANGE, GREY = "#3a7fd5", "#d9782b", "#868e96"


def snr_figure(points: Sequence[SnrPoint], classes: int) -> Figure:
    """Accuracy and macro F1 over the signal-to-noise ratio.

    Args:
        points: In ascending order, one or more.
        classes: Of the model; guessing is right once in so many times.
    """
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axes = figure.add_subplot()
    ratios_db = [one["snr_db"] for one in points]
    low, high = [one["low"] for one in points], [one["high"] for one in points]
    axes.fill_between(ratios_db, low, high, color=BLUE, alpha=0.25, linewidth=0, label="95 % interval")
    axes.plot(ratios_db, [one["accuracy"] for one in points], color=BLUE, marker="o", label="accuracy")
    axes.plot(ratios_db, [one["macro_f1"] for one in points], color=ORANGE, linewidth=1.2, label="macro F1")
    axes.axhline(1 / classes, color=GREY, linestyle="--", linewidth=1.2, label=f"chance (1 of {classes})")
    axes.set_xlabel("signal-to-noise ratio (dB)")
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    _grid(axes)
    _legend(figure)
    return figure


def reliability_figure(panels: Sequence[tuple[str, Sequence[ReliabilityBin]]]) -> Figure:
    """Accuracy over confidence, and below how many predictions have that confidence.

    Args:
        panels: Each a title with the bins of `reliability`, side by side.
    """
    figure = Figure(figsize=(4.6 * len(panels), 4.8), layout="constrained")
    columns = figure.subplots(2, len(panels), squeeze=False, sharex=True, height_ratios=(3.4, 1))
    for (title, bins), (upper, lower) in zip(panels, columns.T, strict=True):
        _draw_accuracy(upper, bins)
        _draw_counts(lower, bins)
        upper.set_title(title)
    _legend(figure)
    return figure


def _legend(figure: Figure) -> None:
    """Outside of the axes, where it hides nothing."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)


def _draw_accuracy(axes: Axes, bins: Sequence[ReliabilityBin]) -> None:
    centres, half_width = _centres(bins), 0.47 / BINS
    accuracies, confidences = [one.accuracy for one in bins], [one.confidence for one in bins]
    axes.bar(centres, accuracies, 2 * half_width, color=BLUE, alpha=0.75, label="accuracy")
    ends = centres - half_width, centres + half_width
    axes.hlines(confidences, *ends, color=ORANGE, linewidth=3, label="confidence")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1.2, label="as promised")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    _grid(axes)


def _draw_counts(axes: Axes, bins: Sequence[ReliabilityBin]) -> None:
    total = sum(one.n for one in bins)
    axes.bar(_centres(bins), [one.n / total for one in bins], 0.94 / BINS, color=GREY)
    axes.set_xlabel("confidence")
    axes.set_ylabel("predictions")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    _grid(axes)


def _centres(bins: Sequence[ReliabilityBin]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The middle of each bin's range; the edge between two ranges belongs to the lower one."""
    confidences = np.array([one.confidence for one in bins])
    return (np.clip(np.ceil(confidences * BINS - 1e-9), 1, BINS) - 0.5) / BINS


def _grid(axes: Axes) -> None:
    axes.grid(color=GREY, alpha=0.3)
    axes.set_axisbelow(True)
