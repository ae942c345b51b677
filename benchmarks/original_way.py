"""The baseline for runs: the methods of the original service for training, inference, augmentation and crop.

It works in one process and in fp32, on one image after the other, and reads and decodes each image every time.
This baseline omits its log, the tables of a validation, and the checkpoints.
"""

import time
from pathlib import Path

import cv2
import matplotlib
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.models import resnet18

from preprocessing.augment import transform_of
from rfuav_ray.api.requests import AUGMENTATION_METHODS

IMAGE_SIZE = 224
FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
FONT_SIZE = 45


def train_images_per_s(folder: Path, *, batch_size: int) -> float:
    """Measure one epoch over the images in `train/` and `val/`."""
    train_set, val_set = (ImageFolder(str(folder / part), _transform()) for part in ("train", "val"))
    model = resnet18(num_classes=len(train_set.classes))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    criterion = nn.CrossEntropyLoss()
    images, _ = next(iter(DataLoader(train_set, batch_size)))
    model(images).sum().backward()  # warm-up: the first pass takes longer
    started_s = time.perf_counter()
    model.train()
    for images, labels in DataLoader(train_set, batch_size, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        for images, labels in DataLoader(val_set, batch_size):
            criterion(model(images), labels)
    return (len(train_set) + len(val_set)) / (time.perf_counter() - started_s)


def infer_images_per_s(folder: Path, output: Path, *, images: int) -> float:
    """Measure the inference of the first images in the folder. Draws each prediction into a JPEG copy."""
    output.mkdir()
    model = resnet18(num_classes=2).eval()
    paths = sorted(folder.iterdir())[:images]
    _classify(model, paths[0], output)  # warm-up: the first image takes longer
    started_s = time.perf_counter()
    for path in paths:
        _classify(model, path, output)
    return len(paths) / (time.perf_counter() - started_s)


def _classify(model: nn.Module, path: Path, output: Path) -> None:
    drawn = Image.open(path).convert("RGB")
    # The original service decodes the file again for the model, and does not disable gradients.
    image = _transform()(Image.open(path).convert("RGB")).unsqueeze(0)
    probability, index = torch.softmax(model(image), dim=1).max(dim=1)
    text = f"{index.item()} {100 * probability.item():.2f}%"
    font = ImageFont.truetype(FONT, FONT_SIZE)
    ImageDraw.Draw(drawn).text((40, 40), text, fill=(255, 0, 0), font=font)
    drawn.save(output / f"{path.stem}.jpg")


def _transform() -> transforms.Compose:
    return transforms.Compose([transforms.Resize((IMAGE_SIZE, IMAGE_SIZE)), transforms.ToTensor()])


def augment_written_per_s(folder: Path, output: Path) -> float:
    """Measure files per second. The original image is written again with each method, but counts once."""
    output.mkdir()
    methods = [transform_of(name) for name in AUGMENTATION_METHODS]
    from albumentations import Compose  # noqa: PLC0415  (`transform_of` keeps it from asking the network)

    paths = sorted(folder.iterdir())
    started_s = time.perf_counter()
    for number, method in enumerate(methods):
        for path in paths:
            image = _read(path)
            changed = Compose([method])(image=image)["image"]
            cv2.imwrite(str(output / f"{path.stem}_{number}.jpg"), changed)
            cv2.imwrite(str(output / f"{path.stem}_origin.jpg"), image)
    return len(paths) * (1 + len(methods)) / (time.perf_counter() - started_s)


def crop_images_per_s(folder: Path, output: Path, *, x: int, y: int, width: int, height: int) -> float:
    """Measure the crop of all images in the folder. The rectangle is in pixels."""
    output.mkdir()
    paths = sorted(folder.iterdir())
    started_s = time.perf_counter()
    for path in paths:
        cv2.imwrite(str(output / path.name), _read(path)[y : y + height, x : x + width])
    return len(paths) / (time.perf_counter() - started_s)


def _read(path: Path) -> cv2.typing.MatLike:
    image = cv2.imread(str(path))
    assert image is not None, path
    return image
