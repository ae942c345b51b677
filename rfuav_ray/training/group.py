"""Workers that train one model together: each computes its part of every batch. Knows nothing of Ray."""

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import psutil
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from rfuav_ray.errors import RunError
from rfuav_ray.training.seats import Member, Seat

#: A worker waits this long for another one that shows no sign of life. It may wait for the writing of an epoch.
TIMEOUT = timedelta(hours=1)
#: batch norm may not train on fewer images
FEWEST_IMAGES = 2


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

    def count(self, images: int) -> int:
        return len(range(self.rank, images, self.size))

    def own(self, batch: Sequence[int]) -> Sequence[int]:
        own = list(batch[self.rank :: self.size])
        if len(own) < FEWEST_IMAGES:  # they are computed, but do not count
            own += [index for index in batch if index not in own][: FEWEST_IMAGES - len(own)]
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
        return DistributedDataParallel(model, device_ids=[self._device] if on_gpu else None)

    def align(self, model: nn.Module) -> None:
        for buffer in model.buffers():
            dist.broadcast(buffer, src=0)


def synchronized(model: nn.Module, group: Group, device: torch.device) -> nn.Module:
    """Let batch norm see the images of all workers. PyTorch can do so on GPUs alone."""
    if group.size == 1 or device.type != "cuda":
        return model
    synchronous: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    return synchronous


def has_batch_norm(model: nn.Module) -> bool:
    return any(isinstance(module, nn.BatchNorm2d) for module in model.modules())


def join(seat: Seat, device: torch.device, data: str) -> Group:
    """Meet the other workers, and connect to them.

    Args:
        seat: The place of this worker.
        device: The device that it computes on.
        data: A digest of its images and of their order.

    Raises:
        RunError: The workers differ in a way that would change the result.
        Exception: Whatever `seat.meet` raises.
    """
    family = socket.AF_INET6 if ":" in seat.ip else socket.AF_INET
    listener = socket.create_server((seat.ip, 0), family=family) if seat.rank == 0 else None
    address = (seat.ip, listener.getsockname()[1]) if listener else None
    own = Member(
        rank=seat.rank,
        node=os.uname().nodename,
        process=os.getpid(),
        torch_version=torch.__version__,
        device=device.type,
        data=data,
        address=address,
    )
    members = seat.meet(own)
    _check(members)
    host, port = members[0].address or ("", 0)
    _use_interface_of(seat.ip)
    # The store takes the socket over: it would listen on every network itself.
    listening = {"master_listen_fd": listener.detach()} if listener else {}
    store = dist.TCPStore(
        host, port, seat.size, is_master=listener is not None, timeout=TIMEOUT, use_libuv=True, **listening
    )
    if device.type == "cuda":
        torch.cuda.set_device(device)
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=seat.rank, world_size=seat.size, timeout=TIMEOUT)
    return Workers(seat.rank, device, members)


def leave(group: Group) -> None:
    """Close the connections."""
    if group.size > 1:
        with suppress(Exception):  # others may have left already
            dist.destroy_process_group()


def send_progress(group: Group, optimizer: torch.optim.Optimizer, progress: torch.Tensor) -> None:
    """Give all workers the progress of the first one, and the state of its Adam.

    Args:
        group: The workers.
        optimizer: An Adam. The state of the other workers' is replaced.
        progress: int64 of the same shape everywhere, on the group's device. Replaced in the other workers.
    """
    if group.size == 1:
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
                dist.broadcast(state[name], src=0)


def is_broken(group: Group, error: Exception) -> bool:
    """Whether an error says that another worker of the group has ended."""
    return group.size > 1 and (isinstance(error, dist.DistError) or "gloo" in str(error))


def _check(members: Sequence[Member]) -> None:
    first = members[0]
    for member in members[1:]:
        for what, ours, other in (
            ("PyTorch", first.torch_version, member.torch_version),
            ("the device type", first.device, member.device),
        ):
            if ours != other:
                raise RunError(
                    f"The workers differ: {what} is {ours} on {first.node} and {other} on {member.node}. Install "
                    "the same on all nodes."
                )
        if first.data != member.data:
            raise RunError(
                f"The workers differ: {member.node} sees other images in train_path or val_path than "
                f"{first.node}. All nodes must see the same files."
            )


def _use_interface_of(ip: str) -> None:
    """Let gloo and NCCL use the cluster's network. By default gloo uses what the host name stands for."""
    for name, addresses in psutil.net_if_addrs().items():
        if any(address.address == ip for address in addresses):
            os.environ.setdefault("GLOO_SOCKET_IFNAME", name)
            if not ip.startswith("127."):  # NCCL on one machine needs no network
                os.environ.setdefault("NCCL_SOCKET_IFNAME", name)
