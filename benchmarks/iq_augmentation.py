"""What IQ augmentation buys: two trainings on the same clean recordings, with and without changed copies.

Both take the same number of steps. They are evaluated on other recordings, with interference, at -20 to 20 dB.
"""

import argparse
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import Figure, show
from benchmarks.simulated_data import (
    CLASSES,
    NOTHING,
    Scene,
    evaluated,
    scenes_of,
    trained_on_scenes,
    write_json,
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
        for number, snr_db in enumerate(RATIOS_DB):
            write_recordings(
                scenes_of(
                    folder / "tests" / f"{snr_db}dB",
                    CLASSES,
                    recordings=tests,
                    snr_db=(snr_db, snr_db),
                    first_seed=100_000 + 1000 * number,
                )
            )
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
    figures = [
        Figure(
            work=f"{name}, {point['snr_db']:+.0f} dB, {100 * point['low']:.0f} to {100 * point['high']:.0f}: %",
            values=[100 * point["accuracy"]],
        )
        for name, curve in curves.items()
        for point in curve
    ]
    figures.append(Figure(work="mean gain over the ratios: points", values=[statistics.mean(gains)], at_least=0.0))
    return figures, {"clean_db": CLEAN_DB, "recordings": recordings, "copies": copies, **curves}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--recordings", type=int, default=16, metavar="N", help="for training; default: %(default)s"
    )
    parser.add_argument("--copies", type=int, default=4, metavar="N", help="of each; default: %(default)s")
    parser.add_argument("--tests", type=int, default=8, metavar="N", help="at each ratio; default: %(default)s")
    parser.add_argument("--epochs", type=int, default=12, metavar="N", help="default: %(default)s")
    parser.add_argument("--json", default="", metavar="FILE", help="where the results are written")
    arguments = parser.parse_args()
    figures, results = measure(arguments.recordings, arguments.copies, arguments.tests, arguments.epochs)
    show(figures)
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
