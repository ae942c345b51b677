"""Classify a folder of 640×640 JPEGs with a resnet18, as a task that has all cores.

The runs alternate with the method of the original service.
"""

from pathlib import Path

import torch

from benchmarks import model_alone, original_way
from benchmarks.figures import Figure, compared, run_alone
from benchmarks.images import make_jpegs
from benchmarks.own_process import in_own_process
from benchmarks.service import ONE_RUN, TASK_WITHIN_S, running_service
from rfuav_ray.client import RFUAVClient
from rfuav_ray.images.normalization import IMAGENET
from rfuav_ray.models.build import build_model
from rfuav_ray.models.config import ModelConfig, save_model_config

CLASSES = ("first", "second")
TIMES = 4.0
MUST = TIMES * 33
IMAGES_BEFORE = 200


def measure(runs: int = 3, images: int = 1600) -> list[Figure]:
    rates, before, alone = [], [], []
    precision = model_alone.precision_of("cpu")
    with running_service(**ONE_RUN) as (service, folder), RFUAVClient(service.url) as client:
        make_jpegs(folder / "pictures", images)
        _make_model(folder)
        for run in range(runs):
            started = client.start_inference(
                cfg_path=str(folder / "model.yaml"),
                weight_path=str(folder / "model.pth"),
                source_path=str(folder / "pictures"),
                save_path=str(folder / f"predictions-{run}"),
                device="cpu",
            )
            task = client.wait(started["task_id"], timeout=TASK_WITHIN_S)
            if task["status"] != "completed":
                raise RuntimeError(f"the inference {task['status']}: {task['error']}")
            rates.append(task["result"]["images_per_second"])
            before.append(
                in_own_process(
                    original_way.infer_images_per_s,
                    folder / "pictures",
                    folder / f"before-{run}",
                    images=IMAGES_BEFORE,
                )
            )
            alone.append(
                in_own_process(
                    model_alone.infer_images_per_s,
                    "resnet18",
                    device="cpu",
                    precision=precision,
                    batch_size=16,
                    image_size=224,
                    steps=20,
                )
            )
    work = "infer resnet18, 640 px JPEGs"
    return [
        *compared(work, "images", rates, before, must=MUST, times=TIMES),
        Figure(work=f"{work}: the model alone, {precision}, nothing decoded: images/s", values=alone),
    ]


def _make_model(folder: Path) -> None:
    torch.save(build_model("resnet18", len(CLASSES), image_size=224).state_dict(), folder / "model.pth")
    config = ModelConfig(
        model="resnet18", num_classes=len(CLASSES), class_names=CLASSES, image_size=224, normalization=IMAGENET
    )
    save_model_config(folder / "model.yaml", config)


if __name__ == "__main__":
    run_alone(measure, __doc__, runs=3, images=1600)
