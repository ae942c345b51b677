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
from rfuav_ray.events import Report, ignore
from rfuav_ray.files import find_images
from rfuav_ray.gpu_memory import explaining_lack_of_memory
from rfuav_ray.images import Picture, read_image, resize
from rfuav_ray.inference_tally import Tally
from rfuav_ray.model_config import ModelConfig, load_model_config
from rfuav_ray.predictions import CSV_NAME, JSON_NAME, TOP, Prediction, writing_predictions
from rfuav_ray.requests import InferenceRequest

MAX_DECODING_THREADS = 16


def infer(
    request: InferenceRequest,
    *,
    save_path: Path,
    report: Report = ignore,
    device: str = "cpu",
    batch_size: int = 16,
) -> dict[str, Any]:
    """Write `predictions.csv` and `predictions.json` into `save_path`; returns the run's figures.

    The request's paths are absolute. An unreadable image in a folder is reported and left out. Raises
    InvalidInput for the config; RunError for the weights, the source, or when no image can be read.
    """
    config = load_model_config(Path(request.cfg_path))
    source = Path(request.source_path)
    images = _images(source)
    tally = Tally(source, len(images), report)
    with explaining_lack_of_memory("Use a model with a smaller image_size, or run fewer tasks on it at once."):
        classifier = Classifier(config, Path(request.weight_path), torch.device(device))
        _classify(classifier, images, config, tally, save_path, batch_size)
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
    save_path: Path,
    batch_size: int,
) -> None:
    tally.started(f"Classifying {len(images)} images with {config.model} ({config.num_classes} classes).")
    with (
        writing_predictions(save_path, model=config.model) as write,
        closing(_decode_ahead(images, config.image_size, ahead=2 * batch_size)) as decoded,
    ):
        while batch := list(islice(decoded, batch_size)):
            readable = [(path, picture) for path, picture in batch if not isinstance(picture, RunError)]
            if readable:
                rows = classifier.probabilities([picture for _, picture in readable])
                for (path, _), probabilities in zip(readable, rows, strict=True):
                    prediction = _prediction(tally.name(path), probabilities, config.class_names)
                    write(prediction)
                    tally.classes[prediction["class_name"]] += 1
            failed = [(path, error) for path, error in batch if isinstance(error, RunError)]
            tally.batch_done(failed, len(batch))
        tally.refuse_emptiness()


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
