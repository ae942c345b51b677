"""Train a resnet18 on 640×640 JPEGs with validation, batch 16, 224 px, as a task that has all cores.

The runs alternate with one epoch by the method of the original service.
"""

import csv
from pathlib import Path

from benchmarks import model_alone, original_way
from benchmarks.figures import Figure, compared, run_alone
from benchmarks.own_process import in_own_process
from benchmarks.service import ONE_RUN, TASK_WITHIN_S, running_service, training
from rfuav_ray.client import RFUAVClient

TIMES = 2.2
MUST = TIMES * 22
BATCH_SIZE = 16


def measure(runs: int = 3, images: int = 384, epochs: int = 3) -> list[Figure]:
    all_epochs, first_epoch, before, alone = [], [], [], []
    precision = model_alone.precision_of("cpu")
    with running_service(**ONE_RUN) as (service, folder), RFUAVClient(service.url) as client:
        for run in range(runs):
            request = training(
                folder, images=images, side=640, name=str(run), batch_size=BATCH_SIZE, num_epochs=epochs
            )
            task = client.wait(client.start_training(**request)["task_id"], timeout=TASK_WITHIN_S)
            if task["status"] != "completed":
                raise RuntimeError(f"the training {task['status']}: {task['error']}")
            all_epochs.append(task["result"]["images_per_second"])
            with Path(task["result"]["files"]["metrics"]).open(newline="") as rows:
                first_epoch.append(float(next(csv.DictReader(rows))["images_per_second"]))
            before.append(
                in_own_process(original_way.train_images_per_s, folder / "dataset", batch_size=BATCH_SIZE)
            )
            alone.append(
                in_own_process(
                    model_alone.train_images_per_s,
                    "resnet18",
                    device="cpu",
                    precision=precision,
                    batch_size=BATCH_SIZE,
                    image_size=224,
                    steps=10,
                )
            )
    work = "train resnet18 with validation"
    return [
        *compared(
            f"{work}, {epochs} epochs of {images}",
            "images",
            all_epochs,
            before,
            must=MUST,
            times=TIMES,
        ),
        Figure(work=f"{work}, the first epoch, which decodes: images/s", values=first_epoch),
        Figure(work=f"{work}: its steps alone, {precision}, nothing decoded: images/s", values=alone),
    ]


if __name__ == "__main__":
    run_alone(measure, __doc__, runs=3, images=384, epochs=3)
