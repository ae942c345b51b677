"""Simulated recordings, their spectrograms, and small trainings on them, for benchmarks of what a model knows.

Nothing here needs a service. A recording has its own nuisances, frequency and ratio; its windows share them.
"""

import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from preprocessing.dataset_file import dataset_file
from preprocessing.found_recordings import look_at
from preprocessing.iq_copies import prepare_copies
from preprocessing.pipeline.worker import Item
from preprocessing.spectrogram import draw
from rfuav_ray.api.requests import EvaluationRequest, SpectrogramRequest, TrainingRequest
from rfuav_ray.api.results import EvaluationResult, TrainingResult
from rfuav_ray.evaluation.run import evaluate_model
from rfuav_ray.machine.hardware import usable_cpus
from rfuav_ray.outputs.artifacts import DATASET_FILE
from rfuav_ray.signals.finding import asked_of, recordings_in
from rfuav_ray.signals.simulation.emitters import EMITTERS
from rfuav_ray.signals.simulation.nuisances import Nuisances
from rfuav_ray.signals.simulation.scene import simulate, simulate_unknown
from rfuav_ray.signals.stft_settings import StftSettings
from rfuav_ray.signals.writers import write_sigmf
from rfuav_ray.training.run import train

CLASSES = tuple(EMITTERS)
RATE_HZ = 20e6
STFT = StftSettings(sample_rate_hz=RATE_HZ, stft_points=128, duration_s=0.01, image_size=64, colormap="gray")
#: the class of recordings without an emitter
NOTHING = "nothing"


@dataclass(frozen=True)
class Scene:
    """A recording that is to be simulated."""

    path: Path
    #: of EMITTERS or HELD_OUT, or NOTHING
    emitter: str
    snr_db: float
    seed: int
    windows: int = 1
    interference: bool = True
    has_nuisances: bool = True


def write_recordings(scenes: Sequence[Scene]) -> None:
    # Threads suffice, because numpy releases the GIL.
    with ThreadPoolExecutor(min(4, usable_cpus())) as pool:
        list(pool.map(_write, scenes))


def scenes_of(
    folder: Path,
    emitters: Sequence[str],
    *,
    recordings: int,
    snr_db: tuple[float, float],
    first_seed: int,
    **options: Any,
) -> list[Scene]:
    """So many recordings of each emitter, in <folder>/<emitter>/, with ratios spread evenly over `snr_db`.

    Which recording has which ratio is random, so that it tells nothing of the order.
    """
    low, high = snr_db
    scenes: list[Scene] = []
    for emitter in emitters:
        order = np.random.default_rng([first_seed, len(scenes)]).permutation(recordings)
        for number in range(recordings):
            ratio = low + (high - low) * (int(order[number]) + 0.5) / recordings
            path = folder / emitter / f"rec{first_seed + number}.sigmf-meta"
            scenes.append(Scene(path, emitter, ratio, first_seed + number, **options))
    return scenes


def write_ratios(folder: Path, ratios_db: Sequence[int], *, recordings: int, **options: Any) -> None:
    """Write so many recordings of each class at each ratio, in <folder>/<ratio>dB/<class>/."""
    for number, snr_db in enumerate(ratios_db):
        at_ratio: dict[str, Any] = {"snr_db": (snr_db, snr_db), "first_seed": 100_000 + 1000 * number, **options}
        write_recordings(scenes_of(folder / f"{snr_db}dB", CLASSES, recordings=recordings, **at_ratio))


def draw_all(recordings: Path, images: Path, **fields: Any) -> None:
    """Draw the spectrograms of a folder of recordings, as the service does. `fields` are those of the request."""
    request = SpectrogramRequest(
        input_path=str(recordings),
        output_path=str(images),
        **{**STFT.model_dump(), "sample_rate_hz": None} | fields,
    )
    asked = asked_of(request)
    found, unusable = look_at(recordings_in(recordings), recordings, STFT, asked, report=lambda event: None)
    if unusable:
        raise RuntimeError(f"{unusable[0][0]}: {unusable[0][1]}")
    copies = prepare_copies(request, found, report=lambda event: None)

    def draw_one(item: Item) -> None:
        draw(item, images, source=recordings, settings=STFT, asked=asked, copies=copies)

    items = [
        Item(one.name, one.target, 0, one.spectrogram_count, copy)
        for one in found
        for copy in range(request.iq_copies + 1)
    ]
    images.mkdir(parents=True, exist_ok=True)
    (images / DATASET_FILE).write_text(dataset_file(str(recordings), STFT, found, copies))
    with ThreadPoolExecutor(min(4, usable_cpus())) as pool:
        list(pool.map(draw_one, items))


def link_parts(images: Path, folder: Path, parts: Mapping[str, Sequence[str]]) -> None:
    """Make <folder>/<part>/<class>/<image> of links to <images>/<class>/<image>, with the data set's card."""
    shutil.rmtree(folder, ignore_errors=True)
    for part, names in parts.items():
        for name in names:
            link = folder / part / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(images / name)
    shutil.copy(images / DATASET_FILE, folder)


def train_small(
    dataset: Path, results: Path, *, seed: int, epochs: int, model: str = "resnet18", image_size: int = 48
) -> TrainingResult:
    """Train a resnet18 from random weights on <dataset>/train, and validate it on <dataset>/valid."""
    request = TrainingRequest(
        model=model,
        pretrained=False,
        num_classes=sum(path.is_dir() for path in (dataset / "train").iterdir()),
        train_path=str(dataset / "train"),
        val_path=str(dataset / "valid"),
        save_path=str(results),
        on_existing="overwrite",
        batch_size=8,
        num_epochs=epochs,
        learning_rate=1e-3,
        image_size=image_size,
        device="cpu",
    )
    return train(request, seed=seed)


def evaluated(trained: TrainingResult, data: Path, results: Path, **fields: Any) -> EvaluationResult:
    """Evaluate the best weights of a training on recordings or images. `fields` are those of the request."""
    request = EvaluationRequest(
        cfg_path=trained["files"]["config"],
        weight_path=trained["files"]["best_model"],
        data_path=str(data),
        on_existing="overwrite",
        device="cpu",
        **fields,
    )
    return evaluate_model(request, save_path=results)


def trained_on_scenes(
    folder: Path, *, recordings: int, snr_db: tuple[float, float], epochs: int, seed: int = 1, **fields: Any
) -> TrainingResult:
    """Simulate recordings of all classes, draw them, and train on them. A fifth as many more validate.

    `fields` are those of the request for the spectrograms of the training.
    """
    for part, count, first_seed in (("train", recordings, 0), ("valid", max(2, recordings // 5), 50_000)):
        write_recordings(
            scenes_of(
                folder / "recordings" / part, CLASSES, recordings=count, snr_db=snr_db, first_seed=first_seed
            )
        )
        draw_all(folder / "recordings" / part, folder / "dataset" / part, **(fields if part == "train" else {}))
    return train_small(folder / "dataset", folder / "training", seed=seed, epochs=epochs, image_size=64)


def _write(scene: Scene) -> None:
    common: dict[str, Any] = {
        "duration_s": scene.windows * STFT.duration_s,
        "sample_rate_hz": RATE_HZ,
        "snr_db": scene.snr_db,
        "seed": scene.seed,
        "nuisances": Nuisances.of_recording(_seed_of(scene)) if scene.has_nuisances else None,
    }
    if scene.emitter == NOTHING:
        samples = simulate_unknown(**common)
    else:
        samples = simulate(scene.emitter, interference=scene.interference, **common)
    write_sigmf(scene.path, samples, sample_rate_hz=RATE_HZ, center_frequency_hz=2.44e9)


def _seed_of(scene: Scene) -> int:
    """Recordings of two emitters with the same seed do not share their nuisances."""
    return scene.seed * 1000 + sum(scene.emitter.encode()) % 1000
