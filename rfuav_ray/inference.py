"""Classify an image, or every image of a folder, with trained weights."""

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rfuav_ray.classifier import Classifier, Probabilities
from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, ignore
from rfuav_ray.files import find_images
from rfuav_ray.gpu_memory import explaining_lack_of_memory
from rfuav_ray.images import Picture, read_image
from rfuav_ray.inference_tally import Tally
from rfuav_ray.model_config import load_model_config
from rfuav_ray.prediction_log import PredictionLog, Row, work_of
from rfuav_ray.predictions import CSV_NAME, JSON_NAME, TOP, Prediction, writing_predictions
from rfuav_ray.requests import InferenceRequest
from rfuav_ray.transforms import resize
from rfuav_ray.working_ahead import working_ahead

#: by the kind of device: a GPU wants many images at once, a core of a CPU is as fast with few
BATCH_SIZES = {"cuda": 16, "cpu": 8}
MAX_DECODING_THREADS = 16

Decoded = tuple[Path, Picture | RunError]


def infer(
    request: InferenceRequest,
    *,
    save_path: Path,
    report: Report = ignore,
    device: str = "cpu",
    batch_size: int | None = None,
    run_id: str = "",
    resume: bool = False,
) -> dict[str, Any]:
    """Write `predictions.csv` and `predictions.json` into `save_path`; returns the run's figures.

    The request's paths are absolute. An unreadable image in a folder is reported and left out. With `resume` a
    run that was interrupted or killed goes on after the images that it has done, when it has the same `run_id`
    (not an empty one) and images, config and weights are the same. Raises InvalidInput for the config; RunError
    for the weights, the source, or when no image can be read; OSError; and whatever `report` raises.
    """
    source, weight_path = Path(request.source_path), Path(request.weight_path)
    advice = "Use a model with a smaller image_size, or run fewer tasks on it at once."
    with PredictionLog(save_path, run_id) as log, explaining_lack_of_memory(advice):
        config = load_model_config(Path(request.cfg_path))
        images = _images(source)
        tally = Tally(source, len(images), report)
        classifier = Classifier(config, weight_path, torch.device(device), request.precision, report)
        work = work_of(config, weight_path, images)
        if resume and log.holds_other(work):
            message = "The images, the config or the weights have changed since the interruption: begun anew."
            report(RunEvent(message=message, level="WARNING"))
        kept = log.kept(work, map(tally.name, images)) if resume else ()
        log.begin(work, tally.taking_over(kept))
        tally.started(f"Classifying {len(images)} images with {config.model} ({config.num_classes} classes).")
        batch_size = batch_size or BATCH_SIZES[classifier.device.type]
        with closing(_decode_ahead(images[tally.done :], config.image_size, batch_size)) as decoded:
            batches = iter(lambda: list(islice(decoded, batch_size)), [])
            with closing(_classify_each(classifier, batches, tally)) as classified:
                for rows in classified:
                    # Kept before it is told of: a report may raise.
                    log.add(rows)
                    tally.batch_done(rows)
        tally.refuse_emptiness()
        with writing_predictions(save_path, model=config.model) as write:
            for prediction in log.predictions():
                write(prediction)
        tally.ended()
    return {
        "save_path": str(save_path),
        "predictions_csv": str(save_path / CSV_NAME),
        "predictions_json": str(save_path / JSON_NAME),
        **tally.figures(),
    }


def _images(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise RunError(f"{source} does not exist: name an image or a folder with images.")
    images = find_images(source)
    if not images:
        raise RunError(f"There is no image (png, jpg, jpeg, bmp) in {source} or below it.")
    return images


def _decode_ahead(images: Sequence[Path], image_size: int, batch_size: int) -> Generator[Decoded, None, None]:
    """Each image with its picture, in order; a batch for each thread that computes, and one more, in advance."""

    def decode(path: Path) -> Decoded:
        try:
            return path, resize(read_image(path), image_size)
        except RunError as error:
            return path, error

    threads = min(MAX_DECODING_THREADS, os.cpu_count() or 1)
    ahead = batch_size * (torch.get_num_threads() + 1)
    return working_ahead(decode, images, threads=threads, ahead=ahead, name="decode")


def _classify_each(
    classifier: Classifier, batches: Iterator[list[Decoded]], tally: Tally
) -> Generator[list[Row], None, None]:
    """The rows of each batch, in order.

    The threads of a CPU compute a batch each: those that share one wait for each other at every layer, and for the
    threads that decode meanwhile.
    """

    def classify(batch: Sequence[Decoded]) -> list[Row]:
        pictures = [picture for _, picture in batch if not isinstance(picture, RunError)]
        predicted = iter(classifier.probabilities(pictures) if pictures else ())
        return [
            tally.failure(path, picture)
            if isinstance(picture, RunError)
            else _prediction(tally.name(path), next(predicted), classifier.config.class_names)
            for path, picture in batch
        ]

    # The first one alone: by it the classifier chooses its precision.
    for batch in islice(batches, 1):
        yield classify(batch)
    share = torch.get_num_threads()
    threads = share if classifier.device.type == "cpu" else 1
    try:
        yield from working_ahead(
            classify,
            batches,
            threads=threads,
            ahead=threads,
            name="classify",
            initializer=lambda: torch.set_num_threads(1),
        )
    finally:
        torch.set_num_threads(share)  # what threads have set holds for those that begin later, too


def _prediction(name: str, probabilities: Probabilities, class_names: Sequence[str]) -> Prediction:
    likeliest = np.argsort(-probabilities, kind="stable")[:TOP].tolist()
    return Prediction(
        file=name,
        frame=None,
        time_s=None,
        class_name=class_names[likeliest[0]],
        class_index=likeliest[0],
        probability=_rounded(probabilities[likeliest[0]]),
        top5=[
            {"class_name": class_names[index], "probability": _rounded(probabilities[index])}
            for index in likeliest
        ],
    )


def _rounded(probability: np.float32) -> float:
    return round(float(probability), 6)
