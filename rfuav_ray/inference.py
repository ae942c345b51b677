"""Classify an image, or every image of a folder, with trained weights."""

import os
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
from rfuav_ray.model_config import ModelConfig, load_model_config
from rfuav_ray.prediction_log import PredictionLog, Row, work_of
from rfuav_ray.predictions import CSV_NAME, JSON_NAME, TOP, Prediction, writing_predictions
from rfuav_ray.requests import InferenceRequest
from rfuav_ray.transforms import resize

MAX_DECODING_THREADS = 16


def infer(
    request: InferenceRequest,
    *,
    save_path: Path,
    report: Report = ignore,
    device: str = "cpu",
    batch_size: int = 16,
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
        _classify(classifier, images[tally.done :], config, tally, log, batch_size)
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


def _classify(
    classifier: Classifier,
    images: Sequence[Path],
    config: ModelConfig,
    tally: Tally,
    log: PredictionLog,
    batch_size: int,
) -> None:
    with closing(_decode_ahead(images, config.image_size, ahead=2 * batch_size)) as decoded:
        while batch := list(islice(decoded, batch_size)):
            pictures = [picture for _, picture in batch if not isinstance(picture, RunError)]
            predicted = iter(classifier.probabilities(pictures) if pictures else ())
            rows: list[Row] = [
                tally.failure(path, picture)
                if isinstance(picture, RunError)
                else _prediction(tally.name(path), next(predicted), config.class_names)
                for path, picture in batch
            ]
            # Kept before it is told of: a report may raise.
            log.add(rows)
            tally.batch_done(rows)


def _images(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise RunError(f"{source} does not exist: name an image or a folder with images.")
    images = find_images(source)
    if not images:
        raise RunError(f"There is no image (png, jpg, jpeg, bmp) in {source} or below it.")
    return images


def _decode(path: Path, image_size: int) -> Picture | RunError:
    try:
        return resize(read_image(path), image_size)
    except RunError as error:
        return error


def _decode_ahead(
    images: Sequence[Path], image_size: int, *, ahead: int
) -> Generator[tuple[Path, Picture | RunError], None, None]:
    """Each image with its picture, in order; threads decode at most `ahead` of them in advance."""
    pool = ThreadPoolExecutor(min(MAX_DECODING_THREADS, os.cpu_count() or 1), thread_name_prefix="decode")
    waiting: deque[tuple[Path, Future[Picture | RunError]]] = deque()
    try:
        for path in images:
            waiting.append((path, pool.submit(_decode, path, image_size)))
            if len(waiting) > ahead:
                done, picture = waiting.popleft()
                yield done, picture.result()
        for path, picture in waiting:
            yield path, picture.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


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
