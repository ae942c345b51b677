"""The demonstration's data: simulated recordings and the spectrograms drawn from them."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from rfuav_ray.files import write_text
from rfuav_ray.iq import open_recording
from rfuav_ray.simulator import EMITTERS, simulate, write_recording
from rfuav_ray.spectrogram import StftSettings, pictures, save_picture

CLASSES = tuple(EMITTERS)
STFT = StftSettings(sample_rate_hz=20e6, stft_points=256, duration_s=0.02, image_size=256)
LOWEST_SNR_DB, HIGHEST_SNR_DB = -5, 20

#: where each part's pictures go; its place in this map keeps the parts' seeds apart
_FOLDERS = {"train": "dataset/train", "valid": "dataset/valid", "unseen": "unseen"}


@dataclass(frozen=True)
class _Scene:
    part: str
    emitter: str
    snr_db: float
    seed: int
    #: 20 ms at 20 MS/s are 3 MB, so only a few recordings stay when they are drawn
    is_kept: bool


def make_data(folder: Path, recordings: Mapping[str, int]) -> Iterator[int]:
    """Make so many recordings of each class for each part: train, valid and unseen. Yields how many are done.

    Pictures go to dataset/train, dataset/valid and unseen, one recording of each class to recordings. The
    signal-to-noise ratios go from -5 to 20 dB; no two recordings share a seed.
    """
    scenes = [
        _Scene(
            part=part,
            emitter=emitter,
            snr_db=LOWEST_SNR_DB + (HIGHEST_SNR_DB - LOWEST_SNR_DB) * (number + 0.5) / count,
            seed=10_000 * list(_FOLDERS).index(part) + number,
            is_kept=part == "unseen" and number == count - 1,
        )
        for part, count in recordings.items()
        for emitter in CLASSES
        for number in range(count)
    ]
    # How the pictures were made: training passes it on to the model's config.
    write_text(folder / "dataset" / "dataset.yaml", yaml.safe_dump({"stft": STFT.model_dump(mode="json")}))
    # numpy and OpenCV let other threads work.
    pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))
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
    name = f"snr{scene.snr_db:+05.1f}db_{scene.seed:05d}"
    recording = folder / "recordings" / scene.emitter / f"{name}.iq"
    write_recording(recording, samples)
    for drawn in pictures(open_recording(recording, sample_rate_hz=STFT.sample_rate_hz), STFT):
        save_picture(folder / _FOLDERS[scene.part] / scene.emitter / f"{name}_{drawn.index}.png", drawn.image)
    if not scene.is_kept:
        recording.unlink()
