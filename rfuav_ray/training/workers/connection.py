"""Connects the workers of a training. Knows nothing of Ray."""

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import psutil
import torch
import torch.distributed as dist
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from rfuav_ray.errors import RunError, WorkerMissed
from rfuav_ray.training.workers.group import ALONE, Group, Workers
from rfuav_ray.training.workers.seats import Member, Seat

#: A worker waits this long for another one that shows no sign of life. It may wait for the writing of an epoch.
TIMEOUT = timedelta(hours=1)
#: and this long for a connection to one that has said where it listens
CONNECT_TIMEOUT = timedelta(minutes=2)


def join(seat: Seat, device: torch.device, precision: str, data: str) -> Group:
    """Meet the other workers, and connect to them.

    Args:
        seat: The place of this worker.
        device: The device that it computes on.
        precision: The number format that it computes in.
        data: A digest of its images and of their order.

    Raises:
        RunError: The workers differ in a way that would change the result.
        WorkerMissed: They do not reach each other.
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
        precision=precision,
        data=data,
        address=address,
    )
    members = seat.meet(own)
    _check(members)
    _use_interface_of(seat.ip)
    try:
        _connect(seat, device, members, listener)
    except dist.DistError as error:
        host, port = members[0].address or ("", 0)
        raise WorkerMissed(
            f"{own.node} could not connect to the other workers by {host}:{port} of {members[0].node}. No "
            f"firewall may be between the nodes of a cluster: {error}"
        ) from error
    return Workers(seat.rank, device, members)


def _connect(seat: Seat, device: torch.device, members: Sequence[Member], listener: socket.socket | None) -> None:
    host, port = members[0].address or ("", 0)
    store = TCPStore(
        *(host, port, seat.size),
        is_master=listener is not None,
        timeout=CONNECT_TIMEOUT,
        use_libuv=True,
        # The store takes the socket over: it would listen on every network itself.
        master_listen_fd=listener.detach() if listener else None,
    )
    store.set_timeout(TIMEOUT)
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.set_device(device)
    dist.init_process_group(
        "nccl" if on_gpu else "gloo", store=store, rank=seat.rank, world_size=seat.size, timeout=TIMEOUT
    )


def leave(group: Group, *, is_over: bool) -> None:
    """Close the connections.

    Args:
        group: The workers.
        is_over: Whether the training is over, so that all workers leave. NCCL would wait for those that do not.
            The end of this process closes its connections.
    """
    if group is not ALONE and (is_over or dist.get_backend() != "nccl"):
        with suppress(Exception):  # others may have left already
            dist.destroy_process_group()


def is_broken(group: Group, error: Exception) -> bool:
    """Whether an error says that another worker of the group has ended."""
    return group.size > 1 and (isinstance(error, dist.DistError) or "gloo" in str(error))


def _check(members: Sequence[Member]) -> None:
    first = members[0]
    for member in members[1:]:
        for what, ours, other, advice in (
            ("PyTorch", first.torch_version, member.torch_version, "Install the same on all nodes."),
            ("the device type", first.device, member.device, "Use GPUs alone, or CPUs alone."),
            ("the number format", first.precision, member.precision, "Set precision to fp32 or bf16."),
        ):
            if ours != other:
                raise RunError(
                    f"The workers differ: {what} is {ours} on {first.node} and {other} on {member.node}. {advice}"
                )
        if first.data != member.data:
            raise RunError(
                f"The workers differ: {member.node} sees other images in train_path or val_path than "
                f"{first.node}. All nodes must see the same files."
            )


def _use_interface_of(ip: str) -> None:
    """Let gloo and NCCL use the cluster's network alone: the loopback, if the cluster is one machine.

    By default gloo uses what the host name stands for, and NCCL any network.
    """
    for name, addresses in psutil.net_if_addrs().items():
        if any(address.address == ip for address in addresses):
            os.environ.setdefault("GLOO_SOCKET_IFNAME", name)
            os.environ.setdefault("NCCL_SOCKET_IFNAME", f"={name}")  # without `=` it is a prefix
