"""Workers that train one model together: each computes its part of every batch. Knows nothing of Ray."""

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from rfuav_ray.training.workers.seats import Member


class Group:
    """A group of one worker: every image is its own."""

    rank = 0
    size = 1
    #: what its workers told each other, by rank
    members: Sequence[Member] = ()

    def count(self, images: int) -> int:
        """How many images of a batch count for this worker."""
        return images

    def own(self, batch: Sequence[int]) -> Sequence[int]:
        """The images of a batch that this worker computes. Those that count come first."""
        return batch

    def loss(self, logits: torch.Tensor, labels: torch.Tensor, images: int) -> torch.Tensor:
        """The loss of this worker's part of a batch.

        Args:
            logits: (n, classes) of the images that count.
            labels: (n,)
            images: Size of the whole batch. The mean of the losses of all workers is the mean over its images.
        """
        return cross_entropy(logits, labels)

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """The sum over all workers."""
        return values

    def gathered(self, rows: torch.Tensor, order: Sequence[Sequence[int]]) -> torch.Tensor:
        """The rows of all images.

        Args:
            rows: (n, ...) of this worker's images that count, in the order of the batches.
            order: The batches of all images.
        """
        return rows

    def trained(self, model: nn.Module) -> nn.Module:
        """The module for the training pass. It has the parameters of `model`."""
        return model

    def align(self, model: nn.Module) -> None:
        """Give all workers the first one's running statistics."""


ALONE = Group()


class Workers(Group):
    """Several workers. Every worker calls the same methods in the same order."""

    def __init__(self, rank: int, device: torch.device, members: Sequence[Member]) -> None:
        self.rank, self.size, self.members = rank, len(members), members
        self._device = device
        #: Batch norm may not train on fewer images, unless it is synchronized.
        self._fewest_images = 1 if device.type == "cuda" else 2

    def count(self, images: int) -> int:
        return len(range(self.rank, images, self.size))

    def own(self, batch: Sequence[int]) -> Sequence[int]:
        own = list(batch[self.rank :: self.size])
        if (lacking := self._fewest_images - len(own)) > 0:  # they are computed, but do not count
            own += [index for index in batch if index not in own][:lacking]
        return own

    def loss(self, logits: torch.Tensor, labels: torch.Tensor, images: int) -> torch.Tensor:
        return cross_entropy(logits, labels, reduction="sum") * (self.size / images)

    def total(self, values: torch.Tensor) -> torch.Tensor:
        dist.all_reduce(values)
        return values

    def gathered(self, rows: torch.Tensor, order: Sequence[Sequence[int]]) -> torch.Tensor:
        places = [index for batch in order for index in batch[self.rank :: self.size]]
        everything = rows.new_zeros((sum(map(len, order)), *rows.shape[1:]))
        everything[places] = rows
        dist.all_reduce(everything)
        return everything

    def trained(self, model: nn.Module) -> nn.Module:
        on_gpu = self._device.type == "cuda"
        return DistributedDataParallel(
            model, device_ids=[self._device] if on_gpu else None, gradient_as_bucket_view=True
        )

    def align(self, model: nn.Module) -> None:
        for buffer in model.buffers():
            dist.broadcast(buffer, src=0)


def synchronized(model: nn.Module, group: Group, device: torch.device) -> nn.Module:
    """Let batch norm see the images of all workers. PyTorch can do so on GPUs alone."""
    if group.size == 1 or device.type != "cuda":
        return model
    synchronous: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
    return synchronous


def has_batch_norm(model: nn.Module) -> bool:
    return any(isinstance(module, nn.BatchNorm2d) for module in model.modules())


def send_progress(group: Group, optimizer: torch.optim.Optimizer, progress: torch.Tensor) -> None:
    """Give all workers the progress of the first one, and the state of its Adam.

    Args:
        group: The workers.
        optimizer: An Adam. The state of the other workers' is replaced.
        progress: int64 of the same shape everywhere, on the group's device. Replaced in the other workers.
    """
    if group is ALONE:
        return
    has_state = progress.new_tensor([len(optimizer.state)])
    dist.broadcast(progress, src=0)
    dist.broadcast(has_state, src=0)
    if not has_state.item():
        return
    for parameters in (of_group["params"] for of_group in optimizer.param_groups):
        for parameter in parameters:
            state = optimizer.state[parameter]
            if not state:
                state["step"] = torch.zeros((), device=parameter.device)
                state["exp_avg"], state["exp_avg_sq"] = (torch.zeros_like(parameter) for _ in range(2))
            for name in ("step", "exp_avg", "exp_avg_sq"):
                # Values travel in the order of the memory, which may be another one in each worker.
                values = state[name].contiguous()
                dist.broadcast(values, src=0)
                state[name].copy_(values)
