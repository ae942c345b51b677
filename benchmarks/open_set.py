"""How well unknown signals are told from known ones: two kinds that no training has seen, at 0 to 20 dB.

The threshold comes from one set of known recordings, at 5 % false alarms. The bound: of other known recordings,
5 ± 3 % are called unknown.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import Figure
from benchmarks.measuring import main_of
from benchmarks.simulated_data import (
    CLASSES,
    evaluated,
    scenes_of,
    trained_on_scenes,
    write_recordings,
)
from rfuav_ray.signals.simulation.emitters import HELD_OUT

SNR_DB = (0.0, 20.0)
FALSE_ALARM = 0.05
#: percentage points
TOLERANCE = 3.0


def measure(recordings: int, tests: int, epochs: int) -> tuple[list[Figure], dict[str, Any]]:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        trained = trained_on_scenes(folder, recordings=recordings, snr_db=SNR_DB, epochs=epochs)
        options: dict[str, Any] = {"recordings": tests, "snr_db": SNR_DB}
        write_recordings(scenes_of(folder / "fitting", CLASSES, first_seed=100_000, **options))
        write_recordings(scenes_of(folder / "fresh", CLASSES, first_seed=200_000, **options))
        write_recordings(scenes_of(folder / "unknown", tuple(HELD_OUT), first_seed=300_000, **options))
        report = evaluated(
            trained,
            folder / "fresh",
            folder / "results",
            unknown_path=str(folder / "unknown"),
            calibration_path=str(folder / "fitting"),
            known_false_alarm=FALSE_ALARM,
            calibrate=True,
        )
    found = report["open_set"]
    if found is None:
        raise RuntimeError("the evaluation compared no unknown signals")
    off = abs(100 * (found["known_false_alarm"] - FALSE_ALARM))
    figures = [Figure(work="accuracy on fresh known recordings: %", values=[100 * report["accuracy"]])]
    for score, numbers in found["by_score"].items():
        figures += [
            Figure(work=f"{score}: AUROC", values=[numbers["auroc"]]),
            Figure(work=f"{score}: FPR at 95 % TPR: %", values=[100 * numbers["fpr95"]]),
            Figure(work=f"{score}: OSCR", values=[numbers["oscr"]]),
        ]
    figures += [
        Figure(work=f"{found['score']}: unknown called unknown: %", values=[100 * found["unknown_rate"]]),
        Figure(work=f"{found['score']}: known called unknown: %", values=[100 * found["known_false_alarm"]]),
        Figure(work="known called unknown, off the 5 %: points", values=[off], at_most=TOLERANCE),
    ]
    return figures, {"accuracy": report["accuracy"], "snr_db": SNR_DB, "open_set": found}


if __name__ == "__main__":
    main_of(measure, __doc__, recordings=(80, "for training"), tests=(40, "of each kind"), epochs=(15, ""))
