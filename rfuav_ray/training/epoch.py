"""One epoch of a training: both passes, its metrics, and its checkpoint when it is interrupted."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from rfuav_ray.api.results import BestEpoch, EpochMetrics
from rfuav_ray.errors import RunError, RunInterrupted
from rfuav_ray.evaluation import metrics
from rfuav_ray.events import RunEvent
from rfuav_ray.training.data import batches
from rfuav_ray.training.passes import EpochReports, epoch_end, train_epoch, validate
from rfuav_ray.training.state import Training

logger = logging.getLogger(__name__)

#: time between two checkpoints within an epoch: a kill costs about this much work at most
CHECKPOINT_EVERY_S = 300.0


def run_epoch(training: Training) -> None:
    """Run the next epoch: train, validate, and start to write the checkpoint.

    Raises:
        RunInterrupted: The service is stopping. The progress within the epoch has been saved if possible.
        RunError: The epoch failed, or the previous epoch could not be written.
        OSError: Like RunError.
    """
    try:
        row = _run_passes(training)
    except RunInterrupted:
        # If `epoch_start` was not delivered, the next run must repeat the epoch from its start.
        if training.sums.batches > 0 and training.report.was_delivered("epoch_start"):
            _save_on_interruption(training)
        raise
    training.epoch += 1
    training.history.append(row)
    training.seconds += training.epoch_seconds
    training.begin_epoch()
    end = epoch_end(row)
    if training.epoch <= training.reported_epoch:
        # The checkpoint was lost and the epoch was repeated with the same metrics: the log already has this event.
        end = replace(end, message="")
    training.save(end)


def _run_passes(training: Training) -> EpochMetrics:
    """Run both passes and update `training.best`. Returns the epoch's `latest_metrics` object."""
    request, train_set, val_set = training.request, training.train_set, training.val_set
    images, epoch = len(train_set) + len(val_set), training.epoch + 1
    reports = EpochReports(training.report, epoch, request.num_epochs, images, done=training.sums.images)
    # A resumed epoch has already been announced.
    if training.sums.batches == 0:
        reports.tell("epoch_start", f"started, learning rate {request.learning_rate:g}.")
    train_loss, train_acc = train_epoch(
        training.trained,
        training.optimizer,
        train_set,
        training.order(epoch),
        reports,
        training.sums,
        training.dtype,
        _checkpointer(training),
        training.group,
    )
    order = batches(len(val_set), request.batch_size, shuffle=False, seed=0, epoch=epoch)
    probabilities, labels, val_loss = validate(
        training.model, val_set, order, reports, training.dtype, training.group
    )
    # Before this epoch counts, the previous one must be on disk, and a pending stop request must be raised.
    training.report.settle()
    validation = metrics.evaluate(probabilities, labels, val_loss)
    row: EpochMetrics = {
        "epoch": epoch,
        "total_epochs": request.num_epochs,
        "train_loss": train_loss,
        "train_acc": train_acc,
        **validation,
        "learning_rate": request.learning_rate,
        "best_acc": max([validation["val_acc"], *(past["val_acc"] for past in training.history)]),
        "images_per_second": images / training.epoch_seconds,
    }
    if _is_better(row, training.best):
        training.best = {
            "epoch": epoch,
            "metrics": row,
            "per_class": metrics.per_class(probabilities, labels, training.config.class_names),
            "confusion_matrix": metrics.confusion_matrix(probabilities, labels).tolist(),
        }
    return row


def _is_better(row: EpochMetrics, best: BestEpoch | None) -> bool:
    if best is None:
        return True
    old = best["metrics"]
    return (row["val_acc"], -row["val_loss"]) > (old["val_acc"], -old["val_loss"])


def _checkpointer(training: Training) -> Callable[[], None]:
    """A function to call after each batch. It saves the progress every CHECKPOINT_EVERY_S seconds."""
    kept_s = time.monotonic()

    def save_when_due() -> None:
        nonlocal kept_s
        if time.monotonic() - kept_s < CHECKPOINT_EVERY_S:
            return
        kept_s = time.monotonic()
        training.report.settle()
        try:
            training.save_within_epoch()
        except (RunError, OSError) as error:
            message = (
                f"The checkpoint within this epoch could not be written. A kill would lose its progress: {error}"
            )
            training.report(RunEvent(message=message, level="WARNING"))

    return save_when_due


def _save_on_interruption(training: Training) -> None:
    """Save the progress within the epoch. A failure is only logged: the checkpoint of the last epoch remains."""
    try:
        training.save_within_epoch()
    except (RunError, OSError) as error:
        logger.warning("the checkpoint within epoch %d could not be written: %s", training.epoch + 1, error)
