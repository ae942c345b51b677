"""How much a split that shares recordings between its parts flatters a model.

Simulated recordings with nuisances: random split, split by recording, and each recording left out once, with the
verdict of the audit. The bound: the random split's accuracy is 10 points above that of the split by recording.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import Figure
from benchmarks.measuring import main_of
from benchmarks.simulated_data import (
    draw_all,
    link_parts,
    scenes_of,
    train_small,
    write_recordings,
)
from preprocessing.split import parts
from rfuav_ray.audit.quick import quick_audit
from rfuav_ray.images.recording_names import by_recording, recordings_of

#: two pairs that differ only in their bursts, or in their hops
CLASSES = ("ofdm_10mhz_video", "ofdm_10mhz_duplex", "gfsk_fast_shuffle", "gfsk_fast_zigzag")
RECORDINGS, WINDOWS = 4, 10
SNR_DB = (-8.0, 8.0)
#: percentage points
LEAST_DIFFERENCE = 10.0

Parts = Mapping[str, Sequence[str]]


def measure(seeds: int, epochs: int) -> tuple[list[Figure], dict[str, Any]]:
    rows: dict[str, list[dict[str, Any]]] = {}
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_recordings(
            scenes_of(
                folder / "recordings", CLASSES, recordings=RECORDINGS, snr_db=SNR_DB, first_seed=1, windows=WINDOWS
            )
        )
        draw_all(folder / "recordings", folder / "images")
        names = {
            name: sorted(f"{name}/{path.name}" for path in (folder / "images" / name).iterdir())
            for name in CLASSES
        }
        for seed in range(seeds):
            for split, folds in _splits(names, seed).items():
                row = _trained(folder, folds, seed, epochs)
                rows.setdefault(split, []).append(row)
                print(f"seed {seed}, {split}: {row}", flush=True)
    facts = {"recordings": RECORDINGS, "windows": WINDOWS, "snr_db": SNR_DB, "classes": CLASSES, "epochs": epochs}
    return _figures(rows), {**facts, "rows": rows}


def _splits(names: Mapping[str, Sequence[str]], seed: int) -> dict[str, list[Parts]]:
    """The folds of each split."""
    divide = partial(_divided, names, seed)
    return {
        "random": [_over_classes(names, partial(divide, is_grouped=False))],
        "by recording": [_over_classes(names, partial(divide, is_grouped=True))],
        "each left out once": [
            _over_classes(names, partial(_leave_out, names, fold)) for fold in range(RECORDINGS)
        ],
    }


def _divided(names: Mapping[str, Sequence[str]], seed: int, name: str, *, is_grouped: bool) -> Parts:
    """As a split task divides a class."""
    group_of = recordings_of(names[name]).of if is_grouped else {image: image for image in names[name]}
    share = 1 - 1 / RECORDINGS
    return parts(names[name], train_ratio=share, val_ratio=None, shuffle_seed=f"{seed} {name}", group_of=group_of)


def _over_classes(names: Mapping[str, Sequence[str]], divide: Callable[[str], Parts]) -> Parts:
    divided = [divide(name) for name in names]
    return {part: [image for one in divided for image in one[part]] for part in ("train", "valid")}


def _leave_out(names: Mapping[str, Sequence[str]], fold: int, name: str) -> Parts:
    """One recording of the class is valid, and the others are train."""
    recordings = list(by_recording(names[name]).values())
    valid = recordings.pop(fold)
    return {"train": [image for some in recordings for image in some], "valid": valid}


def _trained(folder: Path, folds: Sequence[Parts], seed: int, epochs: int) -> dict[str, Any]:
    """The mean over the folds of accuracy (%) and macro F1 (%) after the last epoch, and the audit's verdicts."""
    accuracies, f1s, verdicts = [], [], []
    for fold in folds:
        link_parts(folder / "images", folder / "dataset", fold)
        verdict = quick_audit(folder / "dataset" / "train", {"valid": folder / "dataset" / "valid"})
        metrics = train_small(folder / "dataset", folder / "results", seed=seed, epochs=epochs)["metrics"]
        accuracies.append(metrics["val_acc"])
        f1s.append(100 * metrics["macro_f1"])
        verdicts.append(verdict["verdict"])
    return {
        "accuracy": round(statistics.mean(accuracies), 2),
        "macro_f1": round(statistics.mean(f1s), 2),
        "audit": sorted(set(verdicts)),
    }


def _figures(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Figure]:
    figures = []
    for split, some in rows.items():
        verdicts = ", ".join(sorted({verdict for row in some for verdict in row["audit"]}))
        for key, what in (("accuracy", "accuracy"), ("macro_f1", "macro F1")):
            work = f"{split} (audit: {verdicts}), {what}: %"
            figures.append(Figure(work=work, values=[row[key] for row in some]))
    gaps = [
        one["accuracy"] - other["accuracy"]
        for one, other in zip(rows["random"], rows["by recording"], strict=True)
    ]
    gap = "accuracy, random less by recording: points"
    return [*figures, Figure(work=gap, values=gaps, at_least=LEAST_DIFFERENCE)]


if __name__ == "__main__":
    main_of(measure, __doc__, seeds=(5, ""), epochs=(15, ""))
