"""Decodes and classifies the images of an inference in batches."""

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from rfuav_ray.api.results import Prediction
from rfuav_ray.errors import RunError
from rfuav_ray.files import content_digest
from rfuav_ray.images.files import RgbImage, read_image
from rfuav_ray.images.transforms import resize
from rfuav_ray.inference.classifier import Classifier, Probabilities
from rfuav_ray.inference.prediction_log import Done
from rfuav_ray.inference.predictions import TOP
from rfuav_ray.inference.progress import InferenceProgress
from rfuav_ray.machine.prefetch import prefetched

#: images per batch on a GPU
GPU_BATCH_SIZE = 16
#: pixels per batch on a CPU, at most 8 images: a core is no faster with larger batches
CPU_BATCH_PIXELS = 8 * 224**2
MAX_DECODING_THREADS = 16
#: batches that a CPU computes in parallel; each one takes memory
MAX_BATCHES_AT_ONCE = 8

#: an image, and the digest of its content
Decoded = tuple[Path, str, RgbImage | RunError]


def classified(
    classifier: Classifier, images: Sequence[Path], tally: InferenceProgress, batch_size: int | None = None
) -> Generator[list[Done], None, None]:
    """Classify images with threads that decode and compute ahead. Close the generator to stop early.

    Args:
        classifier: The model.
        images: The image files. An unreadable one gives a failure row.
        tally: Makes the rows' file names and failures.
        batch_size: None chooses one for the device.

    Yields:
        The rows of each batch, in the order of the images.

    Raises:
        RunError: The model gives probabilities that are not finite.
    """
    image_size = classifier.config.image_size
    is_cpu = classifier.device.type == "cpu"
    if batch_size is None:
        batch_size = max(1, min(8, CPU_BATCH_PIXELS // image_size**2)) if is_cpu else GPU_BATCH_SIZE
    after_the_first = math.ceil(len(images) / batch_size) - 1
    most = min(torch.get_num_threads(), MAX_BATCHES_AT_ONCE) if is_cpu else 1
    at_once = max(1, min(most, after_the_first))

    # Torch's number of threads is the part of the machine that this run was given.
    def decode(path: Path) -> Decoded:
        inputs = content_digest(path)  # before the image is read: a change in between then shows as a change
        try:
            return path, inputs, resize(read_image(path), image_size)
        except RunError as error:
            return path, inputs, error

    decoded = prefetched(
        decode,
        images,
        threads=min(MAX_DECODING_THREADS, torch.get_num_threads()),
        ahead=batch_size * (at_once + 2),
        name="decode",
    )
    with closing(decoded):
        batches = iter(lambda: list(islice(decoded, batch_size)), [])
        with closing(_classify_each(classifier, batches, tally, at_once)) as each:
            yield from each


def _classify_each(
    classifier: Classifier, batches: Iterator[list[Decoded]], tally: InferenceProgress, at_once: int
) -> Generator[list[Done], None, None]:
    """Classify `at_once` batches in parallel, each with its part of torch's threads.

    Threads that share one batch wait for each other at every layer, and for the threads that decode meanwhile.
    """

    def classify(batch: Sequence[Decoded]) -> list[Done]:
        pictures = [picture for *_, picture in batch if not isinstance(picture, RunError)]
        predicted = iter(classifier.probabilities(pictures) if pictures else ())
        return [
            (
                inputs,
                tally.failure(path, picture)
                if isinstance(picture, RunError)
                else _prediction(tally.name(path), next(predicted), classifier.config.class_names),
            )
            for path, inputs, picture in batch
        ]

    # The classifier chooses its precision with the first images, so their batch is computed alone. A GPU is always
    # called from the same thread, because PyTorch keeps its execution plans per thread.
    for batch in batches:
        yield classify(batch)
        is_chosen = any(not isinstance(picture, RunError) for *_, picture in batch)
        if is_chosen and at_once > 1:
            break
    threads = torch.get_num_threads()
    own_threads = max(1, threads // at_once)
    try:
        yield from prefetched(
            classify,
            batches,
            threads=at_once,
            ahead=at_once + 1,
            name="classify",
            initializer=lambda: torch.set_num_threads(own_threads),
        )
    finally:
        torch.set_num_threads(threads)  # the setting of a thread also applies to threads that start later


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
