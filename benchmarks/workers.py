"""Train with two workers, beside one, and with one worker by torch.distributed beside the plain training.

The figures are the images/s that the training itself reports: of all epochs except the first, which decodes. Two
workers on the CPU have half of its cores each. On GPUs they need two. The script needs no service and no Ray.
`--device cuda --workers 1 --models resnet18 vit_b_16` measures the overhead on one GPU.
"""

import argparse
import multiprocessing
import tempfile
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from benchmarks.figures import Figure, show
from benchmarks.gpu import EpochRates
from benchmarks.images import make_dataset
from benchmarks.model_alone import CLASSES
from benchmarks.own_process import in_own_process
from rfuav_ray.api.requests import TrainingRequest
from rfuav_ray.machine.hardware import usable_cpus
from rfuav_ray.training.run import train
from rfuav_ray.training.workers.member import take_part
from rfuav_ray.training.workers.seats import Member, Seat

LOOPBACK = "127.0.0.1"


class Meeting:
    """In place of the service's: the first worker has a pipe to each other one."""

    def __init__(self, others: Sequence[Connection]) -> None:
        self._others = others

    def __call__(self, own: Member) -> list[Member]:
        if own.rank > 0:
            self._others[0].send(own)
            members: list[Member] = self._others[0].recv()
            return members
        members = sorted([own, *(other.recv() for other in self._others)], key=lambda member: member.rank)
        for other in self._others:
            other.send(members)
        return members


def measure(
    models: Sequence[str],
    *,
    device: str,
    workers: int,
    images: int,
    batch_size: int,
    image_size: int,
    epochs: int,
    rounds: int,
) -> list[Figure]:
    figures = []
    with tempfile.TemporaryDirectory() as name:
        data = Path(name, "dataset")
        make_dataset(data, train=images, val=2 * CLASSES, classes=CLASSES, side=image_size)
        for model in models:
            request = TrainingRequest(
                model=model,
                num_classes=CLASSES,
                train_path=str(data / "train"),
                val_path=str(data / "val"),
                save_path=str(Path(name, model)),
                batch_size=batch_size,
                num_epochs=epochs,
                image_size=image_size,
                pretrained=False,
            )
            # In turn, as the other work on the machine changes. 0: the plain training.
            rates: dict[int, list[float]] = {number: [] for number in (0, 1, workers)}
            for _ in range(rounds):
                for number, of_epochs in rates.items():
                    of_epochs.extend(in_own_process(_rates, request, device, number))
            work = f"train {model}, batch {batch_size}, {image_size} px, {device}"
            for number, of_epochs in rates.items():
                how = f"workers by torch.distributed: {number}" if number else "plain"
                figures.append(Figure(work=f"{work}, {how}: images/s", values=of_epochs))
    return figures


def _rates(request: TrainingRequest, device: str, workers: int) -> list[float]:
    """Images/s of each epoch except the first. No worker: train as usual."""
    threads = max(1, usable_cpus() // max(1, workers))
    pipes = [multiprocessing.Pipe() for _ in range(1, workers)]
    context = multiprocessing.get_context("spawn")
    others = [
        context.Process(target=_other, args=(request, device, workers, rank, pipe, threads))
        for rank, (_, pipe) in enumerate(pipes, start=1)
    ]
    for other in others:
        other.start()
    torch.set_num_threads(threads)
    seat = Seat(0, workers, LOOPBACK, Meeting([own for own, _ in pipes])) if workers else None
    rates = EpochRates()
    train(request, report=rates, device=_device(device, 0), seat=seat)
    for other in others:
        other.join()
    return rates.images_per_s[1:]


def _other(request: TrainingRequest, device: str, workers: int, rank: int, pipe: Connection, threads: int) -> None:
    torch.set_num_threads(threads)
    take_part(request, Seat(rank, workers, LOOPBACK, Meeting([pipe])), device=_device(device, rank))


def _device(device: str, rank: int) -> str:
    return f"cuda:{rank}" if device == "cuda" else device


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=("resnet18",))
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    show(measure(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
