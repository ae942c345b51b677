"""Which folders of labelled data hold which class, at which signal-to-noise ratio. Does not import torch."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rfuav_ray.errors import InvalidInput
from rfuav_ray.events import Report, RunEvent, clean, ignore
from rfuav_ray.images.class_folders import composed, folder_names, refuse_unfinished
from rfuav_ray.walk import LeftOut
from rfuav_ray.wording import NAMES_SHOWN, some

Layout = Literal["class", "snr"]

#: `-10`, `20dB`, `snr_-4`, `SNR=+6 dB`, `-10.5`
_SNR = re.compile(r"(?:snr)?[ _=:]*([+\-−]?\d{1,3}(?:\.\d+)?)[ _]*(?:db)?", re.IGNORECASE)
#: names that a data set gives to its parts
_PARTS = frozenset({"train", "valid", "val", "test"})


@dataclass(frozen=True)
class ClassFolder:
    path: Path
    #: the class's index
    label: int
    #: None: the folders do not say it
    snr_db: float | None = None


def snr_of(name: str) -> float | None:
    """The ratio in dB that a folder's name states; None: it states none."""
    found = _SNR.fullmatch(name.strip())
    return float(found[1].replace("−", "-")) if found else None


def class_folders_of(
    path: Path,
    class_names: Sequence[str],
    layout: Layout | None,
    *,
    field: str,
    roots: Sequence[Path] = (),
    left_out: LeftOut | None = None,
    report: Report = ignore,
) -> list[ClassFolder]:
    """Find the folders of the model's classes, sorted by class and ratio.

    Args:
        path: The data: `<class>/…` or `<snr>/<class>/…`.
        class_names: Of the model, by index. A folder belongs to its class in any Unicode form.
        layout: None: found by looking. The folders are ratios if all of them can be, and one holds a class.
        field: What errors name.
        roots: As of `walk_files`.
        left_out: Counts what is in `path` besides.
        report: Receives what is assumed and left out.

    Raises:
        InvalidInput: There is no folder of a class, or `path` cannot be read.
    """
    left_out = LeftOut() if left_out is None else left_out
    labels = _labels(class_names)
    refuse_unfinished(path, field)
    try:
        names = folder_names(path, roots, left_out)
        inner = {name: folder_names(path / name, roots, LeftOut()) for name in names if snr_of(name) is not None}
    except NotADirectoryError:
        raise InvalidInput(field, f"'{path}' is not a folder; use a folder <path>/<class>/<file>.") from None
    except OSError as error:
        raise InvalidInput(field, f"'{error.filename or path}' cannot be read: {error.strerror}.") from None
    chosen = layout or _looked_at(path, names, inner, labels, report)
    found, others = [], []
    if chosen == "snr":
        others = [name for name in names if name not in inner]
        for name, classes in inner.items():
            found += [
                ClassFolder(path / name / one, labels[composed(one)], snr_of(name))
                for one in classes
                if composed(one) in labels
            ]
            others += [f"{name}/{one}" for one in classes if composed(one) not in labels]
    else:
        found = [ClassFolder(path / name, labels[composed(name)]) for name in names if composed(name) in labels]
        others = [name for name in names if composed(name) not in labels]
    if not found:
        raise InvalidInput(field, _nothing(path, chosen, names, class_names))
    if others:
        left_out.counts["other_class"] += len(others)
        left_out.names["other_class"] = others[:NAMES_SHOWN]
        what = "folders of no class of the model are" if len(others) > 1 else "folder of no class of the model is"
        _warn(report, f"{len(others)} {what} not evaluated: {some(others)}.")
    present = {one.label for one in found}
    if missing := [name for label, name in enumerate(class_names) if label not in present]:
        verb = "have" if len(missing) > 1 else "has"
        named = some(missing)
        _warn(report, f"'{path}' {verb} no data of {len(missing)} of the model's classes: {named}.")
    return sorted(found, key=lambda one: (one.label, one.snr_db or 0.0, str(one.path)))


def _labels(class_names: Sequence[str]) -> dict[str, int]:
    """The index of each name; of the first class where several have one name."""
    return {composed(name): index for index, name in reversed(list(enumerate(class_names)))}


def _looked_at(
    path: Path, names: Sequence[str], inner: dict[str, list[str]], labels: dict[str, int], report: Report
) -> Layout:
    has_classes_inside = any(composed(one) in labels for classes in inner.values() for one in classes)
    if not names or len(inner) < len(names) or not has_classes_inside:
        return "class"
    ratios = sorted(snr for name in names if (snr := snr_of(name)) is not None)
    message = f"The folders of '{path}' are taken for signal-to-noise ratios, {ratios[0]:g} to {ratios[-1]:g} dB"
    if any(composed(name) in labels for name in names):
        # Folders named like classes do not lie in folders of classes by chance.
        _warn(report, f"{message}, because they hold folders of classes; layout: class takes them for classes.")
    else:
        report(RunEvent(message=clean(f"{message}.")))
    return "snr"


def _nothing(path: Path, layout: Layout, names: Sequence[str], class_names: Sequence[str]) -> str:
    where = "<path>/<snr>/<class>/<file>" if layout == "snr" else "<path>/<class>/<file>"
    found = f"it has the folders {clean(some(names))}" if names else "it has no folders"
    hint = f" Choose one of its parts, such as '{path / max(_PARTS & set(names))}'." if _PARTS & set(names) else ""
    known = clean(some(class_names))
    return f"'{path}' holds no class of the model ({known}): {found}, and data lie in {where}.{hint}"


def _warn(report: Report, message: str) -> None:
    report(RunEvent(message=clean(message), level="WARNING"))
