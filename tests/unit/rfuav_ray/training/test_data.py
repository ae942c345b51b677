import threading
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from rfuav_ray.errors import RunError
from rfuav_ray.images.files import read_image
from rfuav_ray.images.normalization import IMAGENET
from rfuav_ray.images.transforms import scale, to_tensor
from rfuav_ray.training.data import ImageDataset, batches, load_batches


def make_images(folder: Path, count: int) -> list[tuple[Path, int]]:
    """Image i is one colour, i everywhere, and of class i % 3."""
    images = []
    for index in range(count):
        path = folder / f"{index}.png"
        cv2.imwrite(str(path), np.full((5, 9, 3), index, dtype=np.uint8))
        images.append((path, index % 3))
    return images


def shown(pictures: torch.Tensor) -> list[int]:
    return pictures[:, 0, 0, 0].tolist()


def test_data_batches_cut_the_images_in_order() -> None:
    assert batches(7, 3, shuffle=False, seed=1, epoch=1) == [[0, 1, 2], [3, 4, 5, 6]]
    assert batches(8, 3, shuffle=False, seed=1, epoch=1) == [[0, 1, 2], [3, 4, 5], [6, 7]]
    assert batches(2, 100, shuffle=False, seed=1, epoch=1) == [[0, 1]]


def test_data_a_batch_of_one_stays_where_nothing_can_be_done() -> None:
    assert batches(1, 8, shuffle=True, seed=1, epoch=1) == [[0]]
    assert batches(3, 1, shuffle=False, seed=1, epoch=1) == [[0], [1], [2]]


def test_data_no_images_no_batches() -> None:
    assert batches(0, 8, shuffle=True, seed=1, epoch=1) == []


@pytest.mark.parametrize("count", [2, 9, 10, 11, 100])
@pytest.mark.parametrize("batch_size", [2, 3, 10])
@pytest.mark.parametrize("shuffle", [False, True])
def test_data_every_image_comes_once_and_no_batch_has_one(count: int, batch_size: int, shuffle: bool) -> None:
    parts = batches(count, batch_size, shuffle=shuffle, seed=5, epoch=2)
    assert sorted(index for part in parts for index in part) == list(range(count))
    assert all(2 <= len(part) <= batch_size + 1 for part in parts)


def test_data_the_order_depends_on_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[list[int]]:
        return batches(50, 8, shuffle=True, seed=seed, epoch=epoch)

    assert order(1, 2) == order(1, 2)
    assert len({str(order(seed, epoch)) for seed in (-1, 1, 11) for epoch in (1, 2, 11)}) == 9


def test_data_the_shuffled_order_is_that_of_every_machine() -> None:
    # A resumed run may go on under another version of Python.
    assert batches(6, 3, shuffle=True, seed=42, epoch=1) == [[4, 3, 0], [5, 2, 1]]


def test_data_items_are_the_pictures_of_transforms(tmp_path: Path) -> None:
    images = make_images(tmp_path, 3)
    dataset = ImageDataset(images, image_size=32)
    picture, label = dataset[2]
    assert len(dataset) == 3
    assert (picture.shape, picture.dtype, label) == ((3, 32, 32), torch.uint8, 2)
    expected = to_tensor(read_image(images[2][0]), image_size=32, normalization=IMAGENET)
    assert torch.equal(scale(picture, IMAGENET), expected)


def test_data_a_batch_holds_pictures_and_labels_in_the_order_asked(tmp_path: Path) -> None:
    pictures, labels = ImageDataset(make_images(tmp_path, 5), image_size=32).batch([4, 0, 2])
    assert pictures.shape == (3, 3, 32, 32)
    assert pictures.is_contiguous(memory_format=torch.channels_last)
    assert shown(pictures) == [4, 0, 2]
    assert labels.tolist() == [1, 0, 2]


def test_data_pictures_are_decoded_once_while_they_fit(tmp_path: Path) -> None:
    dataset = ImageDataset(make_images(tmp_path, 3), image_size=32, keep_bytes=2 * 3 * 32 * 32)
    dataset.batch([0, 1, 2])
    for file in tmp_path.iterdir():
        file.unlink()
    assert shown(dataset.batch([1, 0])[0]) == [1, 0]
    with pytest.raises(RunError, match=r"2\.png"):
        dataset.batch([2])


def test_data_changing_a_batch_changes_no_kept_picture(tmp_path: Path) -> None:
    dataset = ImageDataset(make_images(tmp_path, 1), image_size=32)
    dataset.batch([0])[0].fill_(99)
    assert shown(dataset.batch([0])[0]) == [0]


@pytest.mark.parametrize("threads", [1, 4])
def test_data_loading_keeps_the_order(tmp_path: Path, threads: int) -> None:
    dataset = ImageDataset(make_images(tmp_path, 20), image_size=32)
    order = batches(20, 3, shuffle=True, seed=3, epoch=1)
    loaded = list(load_batches(dataset, order, threads=threads))
    assert [shown(pictures) for pictures, _ in loaded] == order
    assert [labels.tolist() for _, labels in loaded] == [[i % 3 for i in part] for part in order]


def test_data_nothing_to_load(tmp_path: Path) -> None:
    assert list(load_batches(ImageDataset([], image_size=32), [], threads=2)) == []


class CountingDataset(ImageDataset):
    def __init__(self, images: list[tuple[Path, int]]) -> None:
        super().__init__(images, image_size=32)
        self.asked = 0

    def batch(self, indices: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        self.asked += 1
        return super().batch(indices)


def test_data_only_some_batches_are_loaded_ahead_and_closing_stops_the_threads(tmp_path: Path) -> None:
    before = threading.active_count()
    dataset = CountingDataset(make_images(tmp_path, 20))
    loaded = load_batches(dataset, [[index] for index in range(20)], threads=2)
    next(loaded)
    loaded.close()
    # The one given and at most three ahead of it.
    assert 1 <= dataset.asked <= 4
    assert threading.active_count() == before


def test_data_an_unreadable_image_is_named_and_the_threads_end(tmp_path: Path) -> None:
    before = threading.active_count()
    images = make_images(tmp_path, 6)
    images[3][0].write_bytes(b"\x89PNG, cut off")
    loaded = load_batches(ImageDataset(images, image_size=32), [[0, 1], [2, 3], [4, 5]], threads=2)
    assert shown(next(loaded)[0]) == [0, 1]
    with pytest.raises(RunError, match=r"3\.png"):
        next(loaded)
    assert threading.active_count() == before
