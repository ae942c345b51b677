"""Train on a GPU with decoded images in memory, compared with the same steps on random tensors on the GPU.

The first row is what `rfuav_ray.training.run.train` itself reports as images/s: all epochs except the first, which
decodes. An epoch includes four validation images, and the wait for the disk where writing the previous epoch takes
longer than computing this one. The script needs no service and no Ray. To try it on a CPU:
`--device cpu --models resnet18 --images 32 --batch-size 8 --image-size 64`.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks import model_alone
from benchmarks.figures import Figure, show
from benchmarks.images import make_dataset
from benchmarks.model_alone import CLASSES
from rfuav_ray.api.requests import TrainingRequest
from rfuav_ray.events import RunEvent
from rfuav_ray.training.run import train

MODELS = ("resnet18", "resnet50", "vit_b_16", "swin_v2_t")
MUST = 0.9


def measure(
    models: Sequence[str], *, device: str, images: int, batch_size: int, image_size: int, epochs: int
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
            trained, precision, gigabytes = _train(request, device)
            random = model_alone.train_images_per_s(
                model,
                device=device,
                precision=precision,
                batch_size=batch_size,
                image_size=image_size,
                steps=(epochs - 1) * images // batch_size,
            )
            work = f"train {model}, {precision}, batch {batch_size}, {image_size} px"
            figures += [
                Figure(work=f"{work}: images/s", values=trained),
                Figure(work=f"{work}, random tensors on the device: images/s", values=[random]),
                Figure(
                    work=f"{work}: fraction of the rate with random tensors",
                    values=[one / random for one in trained],
                    at_least=MUST,
                ),
            ]
            if gigabytes:
                figures.append(Figure(work=f"{work}: GPU memory, GiB", values=[gigabytes]))
    return figures


def _train(request: TrainingRequest, device: str) -> tuple[list[float], str, float | None]:
    """Train. Return images/s of each epoch except the first, the precision, and the peak GPU memory in GiB."""
    is_gpu = device.startswith("cuda")
    if is_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    rates = EpochRates()
    result = train(request, report=rates, device=device)
    facts = json.loads(Path(result["files"]["report"]).read_text())
    gigabytes = torch.cuda.max_memory_allocated(device) / 2**30 if is_gpu else None
    return rates.images_per_s[1:], facts["precision"], gigabytes


class EpochRates:
    """A Report that keeps the images/s of each epoch.

    The times of the events themselves say nothing: events wait while the previous epoch is being written.
    """

    def __init__(self) -> None:
        self.images_per_s: list[float] = []

    def __call__(self, event: RunEvent) -> None:
        if event.stage == "epoch_end" and event.metrics is not None:
            self.images_per_s.append(event.metrics["images_per_second"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--images", type=int, default=6400)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--epochs", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit("PyTorch finds no CUDA GPU; `rfuav doctor` says more. `--device cpu` tries the script itself.")
    if arguments.epochs < 2:
        sys.exit("--epochs: at least 2, as the first one decodes and does not count.")
    show(measure(**vars(arguments)))


if __name__ == "__main__":
    main()
