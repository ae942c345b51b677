"""Resumes an interrupted training, after its last finished epoch or within the next one."""

from dataclasses import replace

from rfuav_ray.events import RunEvent, clean
from rfuav_ray.files import remove_temporaries
from rfuav_ray.models.config import save_model_config
from rfuav_ray.outputs.artifacts import EPOCH_CHECKPOINT
from rfuav_ray.training.checkpoint import FROM_THE_BEGINNING, Checkpoint, load_checkpoint
from rfuav_ray.training.passes import epoch_end
from rfuav_ray.training.state import Training


def resume(training: Training) -> bool:
    """Restore the latest saved state, and report the ends of finished epochs that were not reported yet.

    Returns:
        False if there is no usable state. The training then starts from the beginning.
    """
    folder = training.folder
    part, finished = _load(training)
    state = part or finished
    if state is None:
        return False
    is_published_again = finished is not None and finished.epoch == state.epoch
    if (lost_epoch := _epoch_of_lost_weights(training, state, is_published_again)) is not None:
        file = folder.files["best_model"]
        message = f"'{file}' of epoch {lost_epoch} is missing. The training starts from the beginning."
        training.report(RunEvent(message=message, level="WARNING"))
        return False
    if reason := _misfit(training, state) or _restore(training, state):
        message = f"The checkpoint of epoch {state.epoch} cannot be used, so {FROM_THE_BEGINNING}: {reason}"
        training.report(RunEvent(message=clean(message), level="WARNING"))
        return False
    remove_temporaries(folder.path)
    save_model_config(folder.files["config"], training.config)
    if finished is not None and is_published_again:
        folder.publish(finished, training.facts)
    for row in state.history[training.reported_epoch :]:
        training.report(epoch_end(row))
    if state.history and len(state.history) <= training.reported_epoch:
        # The log has this event, but the task's record may lack its metrics: they are stored only when the task
        # changes its state.
        training.report(replace(epoch_end(state.history[-1]), message=""))
    training.report(_resumed_event(training, state))
    return True


def _misfit(training: Training, state: Checkpoint) -> str:
    """Why a state cannot be one of this training; empty if it can."""
    classes = training.config.num_classes
    if state.epoch > training.request.num_epochs:
        return f"it has {state.epoch} epochs, and the training has {training.request.num_epochs}."
    if state.best is not None:
        matrix = state.best["confusion_matrix"]
        if len(matrix) != classes or any(len(row) != classes for row in matrix):
            return f"its confusion matrix is not one of {classes} classes."
    if state.part is not None and not 0 <= state.part.batches <= len(training.order(state.epoch + 1)):
        return f"it has {state.part.batches} batches."
    return ""


def _restore(training: Training, state: Checkpoint) -> str:
    """Restore the state. Returns why it cannot be; then the training is as it was before."""
    before = training.snapshot()
    try:
        training.restore(state)
    except Exception as error:  # others may have written it: torch fails in many ways
        training.restore(before)
        return " ".join(str(error).split())[:200]
    return ""


def _load(training: Training) -> tuple[Checkpoint | None, Checkpoint | None]:
    """The checkpoints of the unfinished epoch and of the last finished one; None where there is no usable one."""
    folder = training.folder
    part = _load_part(training)
    finished = load_checkpoint(
        folder.files["checkpoint"],
        run_id=training.run_id,
        config=training.config.model_dump(mode="json"),
        report=training.report,
        otherwise=f"the training resumes from '{EPOCH_CHECKPOINT}'" if part else FROM_THE_BEGINNING,
    )
    if part is not None and finished is not None and part.epoch < finished.epoch:
        folder.drop_epoch_checkpoint()  # its epoch was finished, and the kill came before the file was removed
        part = None
    return part, finished


def _load_part(training: Training) -> Checkpoint | None:
    path = training.folder.epoch_checkpoint
    checkpoint = load_checkpoint(
        path,
        run_id=training.run_id,
        config=training.config.model_dump(mode="json"),
        report=training.report,
        otherwise="the epoch starts from its beginning",
    )
    if checkpoint is None or checkpoint.part is None:
        return None
    if checkpoint.part.order != training.order_digest(checkpoint.epoch + 1):
        message = (
            f"The training images or their batches differ from those in '{path}', so the epoch starts from its "
            "beginning."
        )
        training.report(RunEvent(message=message, level="WARNING"))
        return None
    return checkpoint


def _epoch_of_lost_weights(training: Training, state: Checkpoint, is_published_again: bool) -> int | None:
    """The best epoch, if its weights are neither on disk nor in the state."""
    if state.best is None or training.folder.files["best_model"].exists():
        return None
    is_in_state = is_published_again and state.best["epoch"] == state.epoch
    return None if is_in_state else state.best["epoch"]


def _resumed_event(training: Training, state: Checkpoint) -> RunEvent:
    total_epochs = training.request.num_epochs
    if state.part is None:
        message = f"Resuming after epoch {state.epoch}/{total_epochs} from the checkpoint."
        return RunEvent(message=message, epoch=state.epoch)
    epoch = state.epoch + 1
    of = len(training.order(epoch))
    message = (
        f"Resuming in epoch {epoch}/{total_epochs} after {state.part.batches} of {of} batches from the checkpoint."
    )
    return RunEvent(message=message, epoch=epoch)
