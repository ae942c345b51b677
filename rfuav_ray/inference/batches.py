"""Draws and classifies the pictures of an inference in batches."""

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import NamedTuple

import torch

from rfuav_ray.errors import RunError
from rfuav_ray.events import clean
from rfuav_ray.images.files import RgbImage
from rfuav_ray.inference.classifier import Classifier, Probabilities
from rfuav_ray.inference.known_scores import DECIMALS, known_scores
from rfuav_ray.inference.pictures import Picture, Pictures
from rfuav_ray.inference.prediction_log import Done, Failure
from rfuav_ray.inference.results.predictions import prediction, rounded
from rfuav_ray.inference.windows import Drawing
from rfuav_ray.machine.prefetch import prefetched

#: pictures per batch on a GPU
GPU_BATCH_SIZE = 16
#: pixels per batch on a CPU, at most 8 pictures: a core is no faster with larger batches
CPU_BATCH_PIXELS = 8 * 224**2
MAX_DRAWING_THREADS = 16
#: batches that a CPU computes in parallel; each one takes memory
MAX_BATCHES_AT_ONCE = 8

#: samples of windows so large that a batch of them would not be heard of for minutes
LARGE_WINDOW = 2**26

#: a picture, and what it was made from
Drawn = tuple[Picture, str, Drawing | RunError]


class Predicted(NamedTuple):
    """What the model says about one picture."""

    probabilities: Probabilities
    #: what its threshold is of; None: the probability
    score: float | None
    #: its outputs, if they are asked for
    logits: list[float] | None


def classified(
    classifier: Classifier,
    pictures: Pictures,
    done: int,
    batch_size: int | None = None,
    *,
    keeps_logits: bool = False,
) -> Generator[list[Done], None, None]:
    """Classify pictures with threads that draw and compute ahead. Close the generator to stop early.

    Args:
        classifier: The model.
        pictures: Images and windows of recordings. An unreadable one gives a failure row.
        done: How many of them an earlier run has classified.
        batch_size: None chooses one for the device.
        keeps_logits: Whether the rows have the model's outputs.

    Yields:
        The rows of each batch, in the order of the pictures.

    Raises:
        RunError: The model gives probabilities that are not finite.
    """
    image_size = classifier.config.image_size
    is_cpu = classifier.device.type == "cpu"
    if any(one.windowed.stft.samples_per_spectrogram > LARGE_WINDOW for one in pictures.recordings):
        batch_size = 1
    elif batch_size is None:
        batch_size = max(1, min(8, CPU_BATCH_PIXELS // image_size**2)) if is_cpu else GPU_BATCH_SIZE
    after_the_first = math.ceil((len(pictures) - done) / batch_size) - 1
    most = min(torch.get_num_threads(), MAX_BATCHES_AT_ONCE) if is_cpu else 1
    at_once = max(1, min(most, after_the_first))

    # Torch's number of threads is the part of the machine that this run was given.
    def draw(picture: Picture) -> Drawn:
        inputs = picture.inputs()  # before it is read: a change of an image in between shows as a change
        try:
            return picture, inputs, picture.draw(image_size)
        except RunError as error:
            return picture, inputs, error

    drawn = prefetched(
        draw,
        pictures.after(done),
        threads=min(MAX_DRAWING_THREADS, torch.get_num_threads()),
        ahead=batch_size * (at_once + 2),
        name="draw",
    )
    with closing(drawn):
        batches = iter(lambda: list(islice(drawn, batch_size)), [])
        with closing(_classify_each(classifier, batches, at_once, keeps_logits=keeps_logits)) as each:
            yield from each


def _classify_each(
    classifier: Classifier, batches: Iterator[list[Drawn]], at_once: int, *, keeps_logits: bool
) -> Generator[list[Done], None, None]:
    """Classify `at_once` batches in parallel, each with its part of torch's threads.

    Threads that share one batch wait for each other at every layer, and for the threads that draw meanwhile.
    """

    def classify(batch: Sequence[Drawn]) -> list[Done]:
        images = [drawn.image for *_, drawn in batch if isinstance(drawn, Drawing) and drawn.image is not None]
        predicted = iter(_predicted(classifier, images, keeps_logits=keeps_logits) if images else ())
        return [_done(classifier, picture, inputs, drawn, predicted) for picture, inputs, drawn in batch]

    # The classifier chooses its precision with the first images, so their batch is computed alone. A GPU is always
    # called from the same thread, because PyTorch keeps its execution plans per thread.
    for batch in batches:
        yield classify(batch)
        is_chosen = any(isinstance(drawn, Drawing) and drawn.image is not None for *_, drawn in batch)
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


def _done(
    classifier: Classifier,
    picture: Picture,
    inputs: str,
    drawn: Drawing | RunError,
    predicted: Iterator[Predicted],
) -> Done:
    if isinstance(drawn, RunError):
        return Done(inputs, Failure(failed=picture.name, frame=picture.frame, reason=clean(str(drawn))))
    if drawn.image is None:
        row = prediction(picture.name, picture.frame, picture.time_s, None, classifier.config)
        return Done(inputs, row, bad_samples=drawn.bad_samples)
    probabilities, score, logits = next(predicted)
    row = prediction(picture.name, picture.frame, picture.time_s, probabilities, classifier.config, score)
    of_window = None if picture.frame is None else rounded(probabilities)
    return Done(inputs, row, of_window, drawn.bad_samples, logits, score)


def _predicted(classifier: Classifier, images: Sequence[RgbImage], *, keeps_logits: bool) -> Iterator[Predicted]:
    logits, config = classifier.logits(images), classifier.config
    scores: list[float] | list[None] = [None] * len(images)
    if config.threshold is not None and config.score != "probability":
        scores = known_scores(logits, config.score, config.temperature).round(DECIMALS).tolist()
    kept: list[list[float]] | list[None] = logits.tolist() if keeps_logits else [None] * len(images)
    return map(Predicted, classifier.probabilities_of(logits), scores, kept)
