"""Plots of a training: curves over the epochs, and the confusion matrix.

Uses matplotlib's objects without pyplot: there is no global state, so any thread can draw.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from rfuav_ray.files import replacing

#: fonts with Chinese, Japanese and Korean glyphs on Linux, Windows and macOS; matplotlib's default has none
WIDE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Arial Unicode MS",
)
DEFAULT_FONT = "DejaVu Sans"
LABEL_LENGTH = 28
#: with more classes the counts in the cells would be too small to read
NUMBERED_CLASSES = 60

PANELS: tuple[tuple[str, dict[str, str]], ...] = (
    ("Loss", {"train_loss": "training", "val_loss": "validation"}),
    ("Accuracy (%)", {"train_acc": "training", "val_acc": "validation"}),
    ("F1 and mAP (validation)", {"macro_f1": "macro F1", "micro_f1": "micro F1", "mAP": "mAP"}),
)


def plot_curves(path: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """Write a PNG with the curves of loss, accuracy, F1 and mAP. `history` holds `latest_metrics` objects."""
    figure = Figure(figsize=(15, 4.5), layout="constrained")
    epochs = [row["epoch"] for row in history]
    for axes, (title, lines) in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        for key, label in lines.items():
            # Without markers the curves of a single epoch would be invisible.
            axes.plot(epochs, [row[key] for row in history], marker="o", markersize=3, label=label)
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    save_png(figure, path)


def plot_confusion_matrix(
    path: Path, matrix: NDArray[np.integer[Any]], class_names: Sequence[str], *, title: str = "Confusion matrix"
) -> None:
    """Write a PNG of `confusion_figure`."""
    save_png(confusion_figure(matrix, class_names, title=title), path)


def confusion_figure(
    matrix: NDArray[np.integer[Any]],
    class_names: Sequence[str],
    *,
    title: str = "Confusion matrix",
    colours: str | Colormap = "Blues",
) -> Figure:
    """A confusion matrix. The colour of a cell is its fraction of the row.

    Args:
        matrix: Counts (classes, classes). Rows are the true classes.
        class_names: A name that no installed font can write appears as `class <index>`.
        title: Text above the matrix.
        colours: From fraction 0 to 1. The upper half is dark.
    """
    count = len(class_names)
    side_in = min(4 + 0.32 * count, 40.0)
    figure = Figure(figsize=(side_in + 1, side_in), layout="constrained")
    axes = figure.add_subplot()
    fraction = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(fraction, cmap=colours, vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="fraction of the true class", shrink=0.8)
    axes.set_title(title)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    _write_labels(axes, class_names)
    if count <= NUMBERED_CLASSES:
        _write_counts(axes, matrix, fraction)
    return figure


def _write_labels(axes: Axes, class_names: Sequence[str]) -> None:
    fonts = _installed_fonts()
    labels = [_label(index, name, fonts) for index, name in enumerate(class_names)]
    texts = [text for text, _ in labels]
    size_pt = 9 if len(class_names) <= 100 else 4
    # parse_math=False: a $ in a class name does not begin a formula.
    axes.set_xticks(range(len(texts)), texts, parse_math=False, fontsize=size_pt, rotation=90)
    axes.set_yticks(range(len(texts)), texts, parse_math=False, fontsize=size_pt)
    for axis in (axes.xaxis, axes.yaxis):
        for tick, (_, font) in zip(axis.get_ticklabels(), labels, strict=True):
            tick.set_fontfamily(font)


def _write_counts(axes: Axes, matrix: NDArray[np.integer[Any]], fraction: NDArray[np.floating[Any]]) -> None:
    # The cells fill about 0.7 of the figure's side. A digit is 0.65 times as wide as it is high.
    cell_pt = 0.7 * 72 * axes.get_figure().get_figheight() / len(matrix)  # type: ignore[union-attr]
    for row, column in zip(*np.nonzero(matrix), strict=True):
        text = str(int(matrix[row, column]))
        axes.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            fontsize=min(11.0, 0.4 * cell_pt, 0.85 * cell_pt / (0.65 * len(text))),
            color="white" if fraction[row, column] > 0.5 else "black",
        )


def _installed_fonts() -> dict[str, Any]:
    installed = set(font_manager.get_font_names())
    return {
        name: font_manager.get_font(font_manager.findfont(name))
        for name in (DEFAULT_FONT, *WIDE_FONTS)
        if name in installed
    }


def _label(index: int, name: str, fonts: Mapping[str, Any]) -> tuple[str, str]:
    """The label of a class, and a font that has its characters."""
    text = name if len(name) <= LABEL_LENGTH else name[: LABEL_LENGTH - 1] + "…"
    for font_name, font in fonts.items():
        if all(font.get_char_index(ord(character)) for character in text):
            return text, font_name
    return f"class {index}", DEFAULT_FONT


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG. An older file stays if the drawing fails."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
