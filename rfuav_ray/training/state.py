"""The state of a training: its inputs, its progress and its checkpoints."""

import hashlib
import time
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from rfuav_ray.api.requests import TrainingRequest
from rfuav_ray.api.results import BestEpoch, EpochMetrics, TrainingFacts
from rfuav_ray.events import RunEvent
from rfuav_ray.models.config import ModelConfig
from rfuav_ray.training.checkpoint import Checkpoint, EpochProgress, rng_state, save_checkpoint, set_rng_state
from rfuav_ray.training.data import ImageDataset, batches
from rfuav_ray.training.epoch_writer import EpochWriter, copy_in_memory
from rfuav_ray.training.folder import TrainingFolder, now
from rfuav_ray.training.passes import Instruction, Sums
from rfuav_ray.training.workers.group import ALONE, Group, send_progress


@dataclass(kw_only=True)
class Training:
    request: TrainingRequest
    report: EpochWriter
    device: torch.device
    seed: int
    run_id: str
    folder: TrainingFolder
    config: ModelConfig
    train_set: ImageDataset
    val_set: ImageDataset
    model: nn.Module
    optimizer: torch.optim.Optimizer
    #: the number format that the model computes in
    dtype: torch.dtype
    #: the content of report.json besides the metrics
    facts: TrainingFacts
    #: the workers that train the model; this process is the first one
    group: Group = ALONE
    #: the module of the training pass; see Group.trained
    trained: nn.Module = field(init=False)
    #: the last epoch whose end an earlier run reported
    reported_epoch: int = 0
    # Progress:
    epoch: int = 0
    history: list[EpochMetrics] = field(default_factory=list)
    best: BestEpoch | None = None
    #: `history` and `best` as they are on disk; None before the first epoch is written
    kept: tuple[list[EpochMetrics], BestEpoch] | None = None
    started_at: str = field(default_factory=now)
    #: duration of the finished epochs
    seconds: float = 0.0
    #: sums of the next epoch's training pass
    sums: Sums = field(init=False)
    _epoch_started_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.trained = self.model
        self.begin_epoch()

    def begin_together(self) -> None:
        """Give the state of this worker to the others."""
        progress = torch.tensor([self.epoch, self.sums.batches, self.sums.images], device=self.device)
        send_progress(self.group, self.optimizer, progress)
        self.trained = self.group.trained(self.model)

    def begin_epoch(self) -> None:
        self.sums = Sums(self.device)
        self._epoch_started_s = time.perf_counter()

    @property
    def best_so_far(self) -> BestEpoch:
        """The best finished epoch. Raises RuntimeError before the first one."""
        if self.best is None:
            raise RuntimeError("no epoch has finished")
        return self.best

    @property
    def epoch_seconds(self) -> float:
        """How long the current epoch has taken, in all runs."""
        return time.perf_counter() - self._epoch_started_s

    def order(self, epoch: int) -> Instruction:
        """The image indices of each batch of the epoch's training pass."""
        request = self.request
        return batches(
            len(self.train_set),
            request.batch_size,
            shuffle=request.shuffle,
            seed=self.seed,
            epoch=epoch,
        )

    def save(self, end: RunEvent) -> None:
        """Start to write a finished epoch with all its files. `end` is reported when they are on disk.

        The report must be settled.
        """
        checkpoint = self.snapshot()
        best = self.best_so_far  # now: the next epoch may be better before this one is written

        def write() -> None:
            self.folder.save(checkpoint, self.facts)
            self.kept = checkpoint.history, best

        self.report.write(write, then=end)

    def save_within_epoch(self) -> None:
        """Write a checkpoint within the next epoch."""
        part = EpochProgress(
            batches=self.sums.batches,
            sums=self.sums.values.cpu(),
            images=self.sums.images,
            seconds=self.epoch_seconds,
            order=self.order_digest(self.epoch + 1),
        )
        save_checkpoint(self.folder.epoch_checkpoint, self._checkpoint(part))

    def snapshot(self) -> Checkpoint:
        """The present state, in memory of its own."""
        now = self._checkpoint(None)
        return replace(
            now,
            model=copy_in_memory(now.model),
            optimizer=copy_in_memory(now.optimizer),
            history=list(now.history),
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        self.model.load_state_dict(checkpoint.model)
        self.optimizer.load_state_dict(checkpoint.optimizer)
        set_rng_state(checkpoint.rng, self.device)
        self.epoch, self.history = checkpoint.epoch, checkpoint.history
        self.best, self.seconds = checkpoint.best, checkpoint.seconds
        self.kept = None if self.best is None else (list(self.history), self.best)
        self.started_at = checkpoint.started_at
        self.begin_epoch()
        if part := checkpoint.part:
            self.sums.values = part.sums.to(self.device)
            self.sums.batches, self.sums.images = part.batches, part.images
            self._epoch_started_s -= part.seconds

    def order_digest(self, epoch: int) -> str:
        """A digest that changes with the training images, the seed and the batches."""
        images = self.facts["data"]["train"]["sha256"]
        return hashlib.sha256(f"{images} {self.order(epoch)}".encode()).hexdigest()

    def _checkpoint(self, part: EpochProgress | None) -> Checkpoint:
        return Checkpoint(
            run_id=self.run_id,
            config=self.config.model_dump(mode="json"),
            epoch=self.epoch,
            model=dict(self.model.state_dict()),
            optimizer=self.optimizer.state_dict(),
            rng=rng_state(self.device),
            history=self.history,
            best=self.best,
            started_at=self.started_at,
            seconds=self.seconds,
            part=part,
        )
