"""What training and inference are compared with: PyTorch as its tutorials write it.

In fp32, no memory format, every image decoded and scaled anew when it is its turn; one at a time for inference.
"""

import time
from pathlib import Path

import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.models import resnet18

from rfuav_ray.model_config import IMAGENET

IMAGE_SIZE = 224

transform = transforms.Compose(
    [
        transforms.Resize((IMAGE_SIZE, IMAGE_SIZE)),
        transforms.ToTensor(),
        transforms.Normalize(IMAGENET.mean, IMAGENET.std),
    ]
)


def train_images_per_s(folder: Path, *, batch_size: int) -> float:
    """An epoch over the training and the validation images in `train/` and `val/`."""
    train_set = ImageFolder(str(folder / "train"), transform)
    val_set = ImageFolder(str(folder / "val"), transform)
    model = resnet18(num_classes=len(train_set.classes))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    criterion = nn.CrossEntropyLoss()
    images, _ = next(iter(DataLoader(train_set, batch_size)))
    model(images).sum().backward()  # the first one takes longer
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


def infer_images_per_s(folder: Path, *, images: int) -> float:
    """Of the first ones in the folder."""
    model = resnet18(num_classes=2).eval()
    paths = sorted(folder.iterdir())[:images]
    with torch.no_grad():
        _classify(model, paths[0])  # the first one takes longer
        started_s = time.perf_counter()
        for path in paths:
            _classify(model, path)
    return len(paths) / (time.perf_counter() - started_s)


def _classify(model: nn.Module, path: Path) -> None:
    torch.softmax(model(transform(Image.open(path).convert("RGB")).unsqueeze(0)), dim=1).max()
