"""What IQ augmentation buys: two trainings on the same clean recordings, with and without changed copies.

Both take the same number of steps. They are evaluated on other recordings, with interference, at -20 to 20 dB.
"""

import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import Figure
from benchmarks.measuring import curve_figures, main_of
from benchmarks.simulated_data import (
    NOTHING,
    Scene,
    evaluated,
    trained_on_scenes,
    write_ratios,
    write_recordings,
)

CLEAN_DB = (30.0, 30.0)
RATIOS_DB = tuple(range(-20, 21, 4))
INTERFERERS = 20


def measure(recordings: int, copies: int, tests: int, epochs: int) -> tuple[list[Figure], dict[str, Any]]:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_recordings(
            [
                Scene(folder / "interferers" / f"{seed}.sigmf-meta", NOTHING, 20.0, seed)
                for seed in range(400_000, 400_000 + INTERFERERS)
            ]
        )
        write_ratios(folder / "tests", RATIOS_DB, recordings=tests)
        changed: dict[str, Any] = {
            "iq_copies": copies,
            "iq_snr_db": (-10.0, 20.0),
            "iq_time_shift": 1.0,
            "iq_frequency_shift_hz": 2e6,
            "iq_gain_db": 6.0,
            "interferers_path": str(folder / "interferers"),
            "interferer_db": (-15.0, 0.0),
        }
        curves = {}
        for name, fields, times in (("without", {}, 1 + copies), ("with copies", changed, 1)):
            trained = trained_on_scenes(
                folder / name, recordings=recordings, snr_db=CLEAN_DB, epochs=epochs * times, **fields
            )
            report = evaluated(trained, folder / "tests", folder / name / "results", layout="snr")
            curves[name] = report["by_snr"]
    gains = [
        100 * (better["accuracy"] - plain["accuracy"])
        for plain, better in zip(curves["without"], curves["with copies"], strict=True)
    ]
    figures = curve_figures(curves)
    figures.append(Figure(work="mean gain over the ratios: points", values=[statistics.mean(gains)], at_least=0.0))
    return figures, {"clean_db": CLEAN_DB, "recordings": recordings, "copies": copies, **curves}


if __name__ == "__main__":
    main_of(
        measure,
        __doc__,
        recordings=(16, "for training"),
        copies=(4, "of each"),
        tests=(8, "at each ratio"),
        epochs=(12, ""),
    )
