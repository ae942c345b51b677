"""The workers of a training besides the first one. They compute, and write and report nothing."""

from collections.abc import Sequence
from pathlib import Path

import torch

from rfuav_ray.api.requests import TrainingRequest
from rfuav_ray.errors import WorkerMissed
from rfuav_ray.events import ignore
from rfuav_ray.file_access.roots import confined
from rfuav_ray.models.precision import name_of, resolve
from rfuav_ray.training.data import batches, decoding_threads
from rfuav_ray.training.datasets import read_datasets
from rfuav_ray.training.passes import EpochReports, Sums, train_epoch, validate
from rfuav_ray.training.run import digest, new_model, new_optimizer, random_numbers, torch_device_of
from rfuav_ray.training.workers.connection import is_broken, join, leave
from rfuav_ray.training.workers.group import send_progress
from rfuav_ray.training.workers.seats import Seat


@confined
def take_part(
    request: TrainingRequest,
    seat: Seat,
    *,
    device: str = "cpu",
    seed: int = 42,
    roots: Sequence[Path] = (),
) -> None:
    """Compute this worker's part of every batch, to the end of the training.

    Args:
        request: What to train; equal in all workers.
        seat: The place of this worker, which is not the first one.
        device: A torch device. It overrides the request's.
        seed: Equal in all workers. Dropout still differs between them.
        roots: As for `train`.

    Raises:
        InvalidInput: The request cannot be used here.
        RunError: The training failed.
        WorkerMissed: Another worker has ended.
    """
    torch_device = torch_device_of(device)
    with random_numbers(seed + seat.rank, torch_device):
        results = Path(request.save_path, request.name or "")
        datasets = read_datasets(request, results, ignore, threads=decoding_threads(), roots=roots)
        dtype = resolve(request.precision, torch_device, ignore)
        group = join(seat, torch_device, name_of(dtype), digest(request, datasets))
        is_over = False
        try:
            model = new_model(request, torch_device, group)
            optimizer = new_optimizer(request, model)
            progress = torch.zeros(3, dtype=torch.int64, device=torch_device)
            send_progress(group, optimizer, progress)
            trained = group.trained(model)
            first_epoch, done_batches, done_images = progress.tolist()
            sums = Sums(torch_device)
            sums.batches, sums.images = done_batches, done_images
            validation = batches(len(datasets.val), request.batch_size, shuffle=False, seed=0, epoch=0)
            for epoch in range(first_epoch + 1, request.num_epochs + 1):
                order = batches(
                    len(datasets.train), request.batch_size, shuffle=request.shuffle, seed=seed, epoch=epoch
                )
                reports = EpochReports(ignore, epoch, request.num_epochs, len(datasets.train) + len(datasets.val))
                train_epoch(
                    *(trained, optimizer, datasets.train, order, reports, sums, dtype), lambda: None, group
                )
                validate(model, datasets.val, validation, reports, dtype, group)
                sums = Sums(torch_device)
            is_over = True
        except Exception as error:
            if is_broken(group, error):
                raise WorkerMissed(f"Another worker of the training ended: {error}") from error
            raise
        finally:
            leave(group, is_over=is_over)
