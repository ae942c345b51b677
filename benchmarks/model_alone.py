"""Upper bounds for a device: training steps and forward passes on random tensors in its memory."""

import time
from collections.abc import Callable

import torch
from torch.nn.functional import cross_entropy

from rfuav_ray.events import ignore
from rfuav_ray.inference.classifier import cast_weights, fold_batch_norms
from rfuav_ray.machine.malloc_tuning import freed_memory_kept
from rfuav_ray.models.build import build_model
from rfuav_ray.models.precision import DTYPES, autocast, name_of, resolve

CLASSES = 2
WARM_UP_STEPS = 5


def precision_of(device: str) -> str:
    """Return the precision that `auto` selects on the device."""
    return name_of(resolve("auto", torch.device(device), ignore))


def train_images_per_s(
    model_name: str, *, device: str, precision: str, batch_size: int, image_size: int, steps: int
) -> float:
    """Measure the training step of `rfuav_ray.training.run` without loading images."""
    images, model = _on(device, model_name, batch_size, image_size)
    labels = torch.randint(CLASSES, (batch_size,), device=device)
    optimizer = torch.optim.Adam(model.train().parameters(), lr=1e-4, fused=True)

    def step() -> None:
        with autocast(torch.device(device), DTYPES[precision]):
            logits = model(images)
        loss = cross_entropy(logits.float(), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return batch_size * _steps_per_s(step, steps, device)


@torch.inference_mode()
def infer_images_per_s(
    model_name: str, *, device: str, precision: str, batch_size: int, image_size: int, steps: int
) -> float:
    """Measure the forward pass of `rfuav_ray.inference.classifier` with all threads."""
    images, model = _on(device, model_name, batch_size, image_size)
    fold_batch_norms(model.eval())
    if device == "cpu":
        cast_weights(model, DTYPES[precision])

    def step() -> None:
        with autocast(torch.device(device), DTYPES[precision]):
            model(images)

    return batch_size * _steps_per_s(step, steps, device)


def _steps_per_s(step: Callable[[], None], steps: int, device: str) -> float:
    """Measure steps per second with freed memory kept, as in runs."""
    with freed_memory_kept():
        for _ in range(WARM_UP_STEPS):
            step()
        _wait_for(device)
        started_s = time.perf_counter()
        for _ in range(steps):
            step()
        _wait_for(device)
        return steps / (time.perf_counter() - started_s)


def _on(device: str, model_name: str, batch_size: int, image_size: int) -> tuple[torch.Tensor, torch.nn.Module]:
    images = torch.randn((batch_size, 3, image_size, image_size), device=device)
    model = build_model(model_name, CLASSES, image_size=image_size).to(device)
    channels_last = torch.channels_last
    return images.to(memory_format=channels_last), model.to(memory_format=channels_last)


def _wait_for(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
