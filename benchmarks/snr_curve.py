"""The accuracy of a model over the in-band SNR, by folders of simulated ratios and by a sweep of clean recordings.

The model is trained at 0 to 20 dB. The recordings of the test are of an ideal receiver: the carrier and the colour
of a real one go with its noise, and a sweep adds white noise. The bounds: chance is within the interval at -20 dB,
each point is above 90 % from 10 dB on, no point is surely below an earlier one, and at each ratio the intervals of
the two ways overlap.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import Figure
from benchmarks.measuring import curve_figures, main_of
from benchmarks.simulated_data import (
    CLASSES,
    evaluated,
    scenes_of,
    trained_on_scenes,
    write_ratios,
    write_recordings,
)
from rfuav_ray.api.requests import SnrSweep
from rfuav_ray.api.results.evaluation import SnrPoint

TRAINED_DB = (0.0, 20.0)
RATIOS_DB = tuple(range(-20, 21, 2))
#: clean enough for a sweep up to 20 dB
CLEAN_DB = (40.0, 40.0)
#: percent
LEAST_ACCURACY, GOOD_FROM_DB = 90.0, 10


def measure(recordings: int, tests: int, epochs: int) -> tuple[list[Figure], dict[str, Any]]:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        trained = trained_on_scenes(folder, recordings=recordings, snr_db=TRAINED_DB, epochs=epochs)
        options: dict[str, Any] = {"recordings": tests, "interference": False, "has_nuisances": False}
        write_ratios(folder / "folders", RATIOS_DB, **options)
        write_recordings(scenes_of(folder / "clean", CLASSES, snr_db=CLEAN_DB, first_seed=200_000, **options))
        by_folders = evaluated(trained, folder / "folders", folder / "results-folders", layout="snr")["by_snr"]
        sweep = SnrSweep(from_db=RATIOS_DB[0], to_db=RATIOS_DB[-1], step_db=2)
        by_sweep = evaluated(trained, folder / "clean", folder / "results-sweep", snr_sweep=sweep)["by_snr"]
    curves = {"by folders": by_folders, "by sweep": by_sweep}
    return _figures(curves), {"trained_db": TRAINED_DB, "recordings": recordings, "tests": tests, **curves}


def _figures(curves: dict[str, list[SnrPoint]]) -> list[Figure]:
    figures = curve_figures(curves, lambda snr_db: LEAST_ACCURACY if snr_db >= GOOD_FROM_DB else None)
    chance = 1 / len(CLASSES)
    for way, curve in curves.items():
        is_chance = curve[0]["low"] <= chance <= curve[0]["high"]
        figures += [
            Figure(work=f"{way}: chance is within the interval at -20 dB", values=[is_chance], at_least=1),
            Figure(work=f"{way}: points surely below an earlier one", values=[_falls(curve)], at_most=0),
        ]
    pairs = zip(*curves.values(), strict=True)
    apart = sum(one["high"] < other["low"] or other["high"] < one["low"] for one, other in pairs)
    return [*figures, Figure(work="ratios at which the two ways differ", values=[apart], at_most=0)]


def _falls(curve: Sequence[SnrPoint]) -> int:
    return sum(
        any(point["high"] < earlier["low"] for earlier in curve[:number]) for number, point in enumerate(curve)
    )


if __name__ == "__main__":
    main_of(measure, __doc__, recordings=(80, "for training"), tests=(8, "at each ratio"), epochs=(15, ""))
