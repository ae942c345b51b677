"""The training pass and the validation pass of an epoch, and the events that they report."""

import math
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from rfuav_ray.api.results import EpochMetrics
from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, Stage
from rfuav_ray.images.normalization import IMAGENET
from rfuav_ray.images.transforms import scale
from rfuav_ray.models.precision import autocast
from rfuav_ray.training.data import Batch, ImageDataset, decoding_threads, load_batches
from rfuav_ray.training.workers.group import ALONE, Group

Instruction = Sequence[Sequence[int]]

MESSAGES_PER_PASS = 10
SECONDS_BETWEEN_MESSAGES = 1.0


class EpochReports:
    """Reports one epoch: the progress after every batch, and a message at intervals."""

    def __init__(self, report: Report, epoch: int, total_epochs: int, images: int, done: int = 0) -> None:
        self._report = report
        self._epoch = epoch
        self._total_epochs = total_epochs
        #: training and validation images of an epoch, and how many of them are done
        self._images = images
        self._done = done
        self._reported_s = time.monotonic()

    def tell(self, stage: Stage, message: str) -> None:
        self._send(stage, f"Epoch {self._epoch}/{self._total_epochs}: {message}")

    def batch_done(self, stage: Stage, images: int, *, number: int, of: int, describe: Callable[[], str]) -> None:
        """Report a batch. `describe` is called only for a message, because it waits for the GPU."""
        self._done += images
        is_due = time.monotonic() - self._reported_s >= SECONDS_BETWEEN_MESSAGES
        if is_due and number % math.ceil(of / MESSAGES_PER_PASS) == 0:
            self._reported_s = time.monotonic()
            self.tell(stage, f"{stage}, batch {number}/{of}: {describe()}.")
        else:
            self._send(stage, "")

    def _send(self, stage: Stage, message: str) -> None:
        epochs_done = self._epoch - 1 + self._done / self._images
        self._report(
            RunEvent(
                message=message,
                progress=100 * epochs_done / self._total_epochs,
                stage=stage,
                step=self._epoch,
                epoch=self._epoch,
            )
        )


def epoch_end(row: EpochMetrics) -> RunEvent:
    """The event of a finished epoch. `row` is its `latest_metrics` object."""
    epoch, total_epochs = row["epoch"], row["total_epochs"]
    message = (
        f"Epoch {epoch}/{total_epochs}: training loss {row['train_loss']:.4f}, validation loss "
        f"{row['val_loss']:.4f}, validation accuracy {row['val_acc']:.2f} % (best {row['best_acc']:.2f} %), "
        f"{row['images_per_second']:.1f} images/s."
    )
    return RunEvent(
        message=message,
        progress=100 * epoch / total_epochs,
        stage="epoch_end",
        step=epoch,
        epoch=epoch,
        metrics=row.copy(),
    )


class Sums:
    """Running sums of a pass: loss and correct predictions, float64 (2,), and the numbers of batches and images.

    They are those of all workers. The values stay on the device, so that no batch has to wait for the GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self.values = torch.zeros(2, dtype=torch.float64, device=device)
        self.batches = 0
        self.images = 0

    def add(
        self, loss: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor, images: int, group: Group
    ) -> None:
        """Add a batch of `images` images, of which this worker has computed a part: `loss` is `Group.loss`."""
        right = (logits.argmax(dim=1) == labels).sum()
        values = torch.stack((loss.detach().double() * images / group.size, right.double()))
        self.values += group.total(values)
        self.batches += 1
        self.images += images

    def means(self) -> tuple[float, float]:
        """Mean loss, and accuracy in percent. Raises RunError if the loss is not finite."""
        loss, right = (self.values / self.images).tolist()
        if not math.isfinite(loss):
            raise RunError(f"The loss became {loss}: the training diverged. Lower learning_rate.")
        return loss, 100 * right

    def describe(self) -> str:
        loss, accuracy = self.means()
        return f"loss {loss:.4f}, accuracy {accuracy:.2f} %"


def train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    dataset: ImageDataset,
    order: Instruction,
    reports: EpochReports,
    sums: Sums,
    dtype: torch.dtype,
    after_batch: Callable[[], None],
    group: Group = ALONE,
) -> tuple[float, float]:
    """Run the training pass: one optimizer step for each batch.

    Args:
        model: The model, on its device, as `Group.trained` returned it.
        optimizer: Updates the model.
        dataset: The training images.
        order: The image indices of each batch of the whole pass.
        reports: Receives progress and messages.
        sums: Sums of the batches that an interrupted run finished; these batches are skipped. Updated in place.
        dtype: The number format to compute in.
        after_batch: Called after each batch.
        group: The workers that share each batch.

    Returns:
        Mean loss, and accuracy in percent, over the whole pass, measured while the model learns.

    Raises:
        RunError: The training diverged, or an image cannot be read.
    """
    model.train()
    device = _device_of(model)
    remaining = order[sums.batches :]
    if not remaining:
        return sums.means()
    with closing(_batches_on(device, dataset, remaining, group)) as loaded:
        for batch, (images, labels) in zip(remaining, loaded, strict=True):
            with autocast(device, dtype):
                logits = model(images)[: len(labels)]
            loss = group.loss(logits.float(), labels, len(batch))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            sums.add(loss, logits, labels, len(batch), group)
            after_batch()
            reports.batch_done("training", len(batch), number=sums.batches, of=len(order), describe=sums.describe)
    reports.tell("training", f"training done: {sums.describe()}.")
    return sums.means()


@torch.inference_mode()
def validate(
    model: nn.Module,
    dataset: ImageDataset,
    order: Instruction,
    reports: EpochReports,
    dtype: torch.dtype,
    group: Group = ALONE,
) -> tuple[NDArray[np.float32], NDArray[np.int64], float]:
    """Run the validation pass over the data set in its order.

    Returns:
        Probabilities (n, classes), labels (n,) and the mean loss, of the images of all workers.

    Raises:
        RunError: The loss is not finite, or an image cannot be read.
    """
    group.align(model)
    model.eval()
    device = _device_of(model)
    sums = Sums(device)
    results: list[Batch] = []
    with closing(_batches_on(device, dataset, order, group)) as loaded:
        for batch, (images, labels) in zip(order, loaded, strict=True):
            with autocast(device, dtype):
                logits = model(images).float()[: len(labels)]
            sums.add(group.loss(logits, labels, len(batch)), logits, labels, len(batch), group)
            results.append((torch.softmax(logits, dim=1), labels))
            reports.batch_done(
                "validation", len(batch), number=sums.batches, of=len(order), describe=sums.describe
            )
    reports.tell("validation", f"validation done: {sums.describe()}.")
    probabilities, all_labels = (
        group.gathered(torch.cat(parts), order).cpu().numpy() for parts in zip(*results, strict=True)
    )
    return probabilities, all_labels, sums.means()[0]


def _device_of(model: nn.Module) -> torch.device:
    return next(model.parameters()).device


def _batches_on(
    device: torch.device, dataset: ImageDataset, order: Instruction, group: Group
) -> Generator[Batch, None, None]:
    """Yield the images of this worker, and the labels of those that count."""
    on_gpu = device.type == "cuda"
    own = [group.own(batch) for batch in order]
    with closing(load_batches(dataset, own, threads=decoding_threads(), pin_memory=on_gpu)) as loaded:
        for batch, (pictures, labels) in zip(order, loaded, strict=True):
            images = scale(pictures.to(device, non_blocking=True), IMAGENET)
            yield images, labels[: group.count(len(batch))].to(device, non_blocking=True)
