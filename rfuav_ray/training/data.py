"""Loads labelled image files in batches. Images are decoded once, ahead of the computation."""

import random
from collections.abc import Generator, Sequence
from pathlib import Path

import torch
from torch.utils.data import Dataset

from rfuav_ray.images.files import read_image
from rfuav_ray.images.transforms import resize
from rfuav_ray.machine.prefetch import prefetched

#: memory for the decoded images of one data set; images that do not fit are decoded in every epoch
KEEP_BYTES = 2**30

Batch = tuple[torch.Tensor, torch.Tensor]


class ImageDataset(Dataset[tuple[torch.Tensor, int]]):
    """Item i is a uint8 image (3, image_size, image_size) and its class index. Thread-safe.

    Reading an item raises RunError if the file cannot be read. The message names the file.
    """

    def __init__(
        self, images: Sequence[tuple[Path, int]], *, image_size: int, keep_bytes: int = KEEP_BYTES
    ) -> None:
        self._images = images
        self._image_size = image_size
        kept = min(len(images), keep_bytes // (3 * image_size**2))
        self._pictures = torch.empty((kept, image_size, image_size, 3), dtype=torch.uint8)
        self._is_kept = [False] * kept

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self._picture(index).permute(2, 0, 1), self._images[index][1]

    def batch(self, indices: Sequence[int]) -> Batch:
        """Images uint8 (n, 3, image_size, image_size), channels last in memory, and labels int64 (n,)."""
        pictures = torch.stack([self._picture(index) for index in indices]).permute(0, 3, 1, 2)
        return pictures, torch.tensor([self._images[index][1] for index in indices])

    def _picture(self, index: int) -> torch.Tensor:
        if index < len(self._is_kept) and self._is_kept[index]:
            return self._pictures[index]
        picture = torch.from_numpy(resize(read_image(self._images[index][0]), self._image_size))
        if index < len(self._is_kept):
            self._pictures[index] = picture
            self._is_kept[index] = True
        return picture


def batches(count: int, batch_size: int, *, shuffle: bool, seed: int, epoch: int) -> list[list[int]]:
    """The image indices of each batch of an epoch. The same arguments give the same order.

    A last batch of one image joins the previous batch, because batch norm may not train on one image.
    """
    order = list(range(count))
    if shuffle:
        # A string seed gives the same order in every version of Python.
        random.Random(f"{seed} {epoch}").shuffle(order)
    parts = [order[start : start + batch_size] for start in range(0, count, batch_size)]
    if batch_size > 1 and len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [parts[-2] + parts[-1]]
    return parts


def load_batches(
    dataset: ImageDataset, order: Sequence[Sequence[int]], *, threads: int, pin_memory: bool = False
) -> Generator[Batch, None, None]:
    """Load the batches of `order` in sequence. Close the generator to stop early.

    Args:
        dataset: The images.
        order: The image indices of each batch.
        threads: Number of decoding threads. They work up to `threads` + 1 batches ahead.
        pin_memory: Whether to pin the batches, for fast copies to a GPU.
    """

    def load(indices: Sequence[int]) -> Batch:
        pictures, labels = dataset.batch(indices)
        return (pictures.pin_memory(), labels.pin_memory()) if pin_memory else (pictures, labels)

    # Threads, not processes: decoding releases the GIL, and a Ray worker should not fork.
    return prefetched(load, order, threads=threads, ahead=threads + 1, name="decode")
