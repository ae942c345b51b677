"""The demonstration's data: simulated recordings in SigMF, some to learn from and some to be tested with."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rfuav_ray.machine.hardware import usable_cpus
from rfuav_ray.signals.simulator import EMITTERS, simulate, write_sigmf
from rfuav_ray.signals.spectrogram import StftSettings

CLASSES = tuple(EMITTERS)
STFT = StftSettings(sample_rate_hz=20e6, stft_points=256, duration_s=0.02, image_size=256)
LOWEST_SNR_DB, HIGHEST_SNR_DB = -5, 20
CENTER_FREQUENCY_HZ = 2.44e9

#: the folders of recordings; a part's place here keeps its seeds apart from the other's
PARTS = ("known", "unseen")


@dataclass(frozen=True)
class _Scene:
    part: str
    emitter: str
    snr_db: float
    seed: int


def make_recordings(folder: Path, recordings: Mapping[str, int]) -> Iterator[int]:
    """Make so many recordings of each class for each part, in <part>/<class>/. Yields how many are done.

    The signal-to-noise ratios go from -5 to 20 dB; no two recordings share a seed. A recording is one picture
    long: 20 ms at 20 MS/s in 8 bits, 800 kB.
    """
    scenes = [
        _Scene(
            part=part,
            emitter=emitter,
            snr_db=LOWEST_SNR_DB + (HIGHEST_SNR_DB - LOWEST_SNR_DB) * (number + 0.5) / count,
            seed=10_000 * PARTS.index(part) + number,
        )
        for part, count in recordings.items()
        for emitter in CLASSES
        for number in range(count)
    ]
    # numpy lets other threads work.
    pool = ThreadPoolExecutor(min(8, usable_cpus()))
    try:
        for done, _ in enumerate(pool.map(lambda scene: _make(folder, scene), scenes), start=1):
            yield done
    finally:
        pool.shutdown(cancel_futures=True)


def _make(folder: Path, scene: _Scene) -> None:
    samples = simulate(
        scene.emitter,
        duration_s=STFT.duration_s,
        sample_rate_hz=STFT.sample_rate_hz,
        snr_db=scene.snr_db,
        seed=scene.seed,
    )
    name = f"snr{scene.snr_db:+05.1f}db_{scene.seed:05d}.sigmf-meta"
    write_sigmf(
        folder / scene.part / scene.emitter / name,
        samples,
        sample_rate_hz=STFT.sample_rate_hz,
        center_frequency_hz=CENTER_FREQUENCY_HZ,
    )
