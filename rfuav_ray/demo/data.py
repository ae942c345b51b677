"""The data of the demo: simulated recordings in SigMF, for training and for testing."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rfuav_ray.machine.hardware import usable_cpus
from rfuav_ray.signals.simulation.emitters import EMITTERS
from rfuav_ray.signals.simulation.scene import simulate
from rfuav_ray.signals.stft_settings import StftSettings
from rfuav_ray.signals.writers import write_sigmf

CLASSES = tuple(EMITTERS)
STFT = StftSettings(sample_rate_hz=20e6, stft_points=256, duration_s=0.02, image_size=256)
LOWEST_SNR_DB, HIGHEST_SNR_DB = -5, 20
CENTER_FREQUENCY_HZ = 2.44e9

#: Folders of recordings, and how many spectrograms a recording has. The index of a part separates its seeds
#: from those of the other part. The split of `known` has to keep the spectrograms of a recording together.
PARTS = {"known": 2, "unseen": 1}


@dataclass(frozen=True)
class _Scene:
    part: str
    emitter: str
    snr_db: float
    seed: int


def make_recordings(folder: Path, recordings: Mapping[str, int]) -> Iterator[int]:
    """Write simulated recordings to <folder>/<part>/<class>/.

    The signal-to-noise ratios range from -5 to 20 dB. No two recordings of a class share a seed. A spectrogram
    takes 20 ms of a recording at 20 MS/s with 8-bit I and Q, 800 kB.

    Args:
        folder: The root folder.
        recordings: Number of recordings of each class, by part.

    Yields:
        The number of recordings written so far.
    """
    scenes = [
        _Scene(
            part=part,
            emitter=emitter,
            snr_db=LOWEST_SNR_DB + (HIGHEST_SNR_DB - LOWEST_SNR_DB) * (number + 0.5) / count,
            seed=10_000 * list(PARTS).index(part) + number,
        )
        for part, count in recordings.items()
        for emitter in CLASSES
        for number in range(count)
    ]
    # Threads suffice, because numpy releases the GIL.
    pool = ThreadPoolExecutor(min(8, usable_cpus()))
    try:
        for done, _ in enumerate(pool.map(lambda scene: _make(folder, scene), scenes), start=1):
            yield done
    finally:
        pool.shutdown(cancel_futures=True)


def _make(folder: Path, scene: _Scene) -> None:
    samples = simulate(
        scene.emitter,
        duration_s=PARTS[scene.part] * STFT.duration_s,
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
