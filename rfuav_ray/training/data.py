"""Loads labelled image files in batches. Images are decoded once, ahead of the computation."""

import random
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path

import torch
from torch.utils.data import Dataset

from rfuav_ray.errors import RunError
from rfuav_ray.images.files import check_whole, read_image
from rfuav_ray.images.transforms import resize
from rfuav_ray.machine.prefetch import prefetched

#: memory for the decoded images of one data set; images that do not fit are decoded in every epoch
KEEP_BYTES = 2**30
MAX_DECODING_THREADS = 16

Batch = tuple[torch.Tensor, torch.Tensor]
#: an image that cannot be read, and why
Unreadable = tuple[Path, str]


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

    def load(self, *, threads: int, tell: Callable[[], None]) -> list[Unreadable]:
        """Decode the images that fit into memory, check the others (`check_whole`), and leave out the unreadable.

        Args:
            threads: Number of decoding threads.
            tell: Called after each image.

        Returns:
            The unreadable images in their order. They are no items any more.
        """
        good: list[tuple[Path, int]] = []
        unreadable: list[Unreadable] = []

        def look_at(index: int) -> torch.Tensor | str | None:
            try:
                if index < len(self._is_kept):
                    return self._decoded(index)
                check_whole(self._images[index][0])
            except RunError as error:
                return str(error)
            return None

        looked = prefetched(look_at, range(len(self)), threads=threads, ahead=2 * threads, name="decode")
        with closing(looked):
            for image, found in zip(self._images, looked, strict=True):
                if isinstance(found, str):
                    unreadable.append((image[0], found))
                else:
                    if found is not None:
                        # By NumPy, because torch would wake its threads, and those of the decoders need the cores.
                        self._pictures[len(good)].numpy()[:] = found.numpy()
                        self._is_kept[len(good)] = True
                    good.append(image)
                tell()
        self._images = good
        return unreadable

    @property
    def images(self) -> Sequence[tuple[Path, int]]:
        return self._images

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
        picture = self._decoded(index)
        if index < len(self._is_kept):
            self._pictures[index] = picture
            self._is_kept[index] = True
        return picture

    def _decoded(self, index: int) -> torch.Tensor:
        return torch.from_numpy(resize(read_image(self._images[index][0]), self._image_size))


def decoding_threads() -> int:
    """How many threads decode. torch's number of threads is the part of the machine that this run was given."""
    return min(torch.get_num_threads(), MAX_DECODING_THREADS)


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
