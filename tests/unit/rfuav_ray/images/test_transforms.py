import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from rfuav_ray.errors import RunError
from rfuav_ray.images.files import read_image
from rfuav_ray.images.normalization import IMAGENET, Normalization
from rfuav_ray.images.transforms import resize, scale, to_tensor


def encoded(image: np.ndarray, suffix: str = ".png") -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


def noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_header(width: int, height: int) -> bytes:
    """A PNG that says how large it is, begins its pixels and then ends."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100)))


@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.bmp", "无人机 (3).png", "with space#%.png"])
def test_transforms_colours_come_as_red_green_blue_whatever_the_name(tmp_path, name):
    bgr = noise(5, 7, 3)
    (tmp_path / name).write_bytes(encoded(bgr, Path(name).suffix.lower()))
    image = read_image(tmp_path / name)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, bgr[:, :, ::-1])


def test_transforms_jpeg(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encoded(np.full((16, 16, 3), (0, 0, 255), np.uint8), ".jpg"))
    red, green, blue = read_image(tmp_path / "a.jpg")[8, 8]
    assert red > 250
    assert green < 5
    assert blue < 5


def test_transforms_grey_becomes_three_equal_channels(tmp_path):
    grey = noise(6, 4)
    (tmp_path / "a.png").write_bytes(encoded(grey))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), np.stack([grey] * 3, axis=-1))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_transforms_16_bit_becomes_8_bit_of_the_same_brightness(tmp_path, channels):
    (tmp_path / "a.png").write_bytes(encoded(np.full((4, 4, channels), 32768, np.uint16)))
    image = read_image(tmp_path / "a.png")
    assert image.shape == (4, 4, 3)
    assert image.dtype == np.uint8
    assert set(np.unique(image)) <= {127, 128}


def test_transforms_transparency_is_dropped(tmp_path):
    bgra = noise(4, 4, 4)
    (tmp_path / "a.png").write_bytes(encoded(bgra))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), bgra[:, :, 2::-1])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not an image",
        b"\x89PNG\r\n\x1a\n",
        png_header(10, 10),
        encoded(noise(64, 64, 3))[:-2000],
        encoded(noise(64, 64, 3), ".jpg")[:1500],
        encoded(noise(64, 64, 3), ".bmp")[:30],
        b"GIF89a" + bytes(100),
    ],
)
def test_transforms_what_is_no_whole_image_is_refused_by_name(tmp_path, content):
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"bad\.png"):
        read_image(path)


def test_transforms_what_is_no_file_is_refused_by_name(tmp_path):
    (tmp_path / "folder.png").mkdir()
    for name in ("missing.png", "folder.png"):
        with pytest.raises(RunError, match=name):
            read_image(tmp_path / name)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
# PIL itself warns or refuses at other sizes than ours; each side of its bounds is one case.
@pytest.mark.parametrize(("width", "height"), [(10_001, 10_000), (20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_transforms_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path, width, height):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(width, height))
    with pytest.raises(RunError, match=r"bomb\.png has more than 100 million pixels"):
        read_image(path)


@pytest.mark.parametrize("shape", [(40, 40), (8, 8), (3, 50), (50, 3), (16, 16), (1, 1), (16, 99)])
def test_transforms_every_shape_becomes_a_square(shape):
    assert resize(noise(*shape, 3), 16).shape == (16, 16, 3)


@pytest.mark.parametrize("height", [4, 64])
def test_transforms_a_carrier_one_pixel_wide_stays_when_its_side_shrinks(height):
    image = np.zeros((height, 64, 3), np.uint8)
    image[:, 31] = 255
    assert set(resize(image, 8)[:, 3:5, 0].astype(int).sum(axis=1)) <= {31, 32, 33}


@pytest.mark.parametrize("shape", [(640, 640), (40, 30), (3, 50), (300, 1000)])
def test_transforms_it_is_what_pil_makes_of_it(shape):
    image = noise(*shape, 3)
    expected = np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(resize(image, 32).astype(int), expected, atol=1)


def test_transforms_growing_interpolates():
    image = np.zeros((2, 2, 3), np.uint8)
    image[:, 1] = 255
    row = resize(image, 8)[0, :, 0].astype(int)
    assert (np.diff(row) >= 0).all()
    assert len(set(row)) > 2


def test_transforms_the_right_size_is_left_as_it_is():
    image = noise(16, 16, 3)
    np.testing.assert_array_equal(resize(image, 16), image)


def test_transforms_to_tensor_without_normalization_is_0_to_1():
    image = np.zeros((4, 4, 3), np.uint8)
    image[0, 1] = (255, 51, 0)
    tensor = to_tensor(image, image_size=4, normalization=None)
    assert tensor.dtype == torch.float32
    assert tensor.shape == (3, 4, 4)
    torch.testing.assert_close(tensor[:, 0, 1], torch.tensor([1.0, 0.2, 0.0]))
    assert tensor.sum() == pytest.approx(1.2)


def test_transforms_to_tensor_normalizes_each_channel():
    normalization = Normalization(mean=(0.5, 0.2, 0.0), std=(0.5, 0.1, 2.0))
    image = np.full((4, 4, 3), (255, 51, 255), np.uint8)
    tensor = to_tensor(image, image_size=4, normalization=normalization)
    torch.testing.assert_close(tensor[:, 2, 2], torch.tensor([1.0, 0.0, 0.5]))


def test_transforms_a_batch_is_scaled_as_its_pictures_are():
    pictures = [noise(8, 8, 3), 255 - noise(8, 8, 3)]
    batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    one_by_one = [to_tensor(picture, image_size=8, normalization=IMAGENET) for picture in pictures]
    torch.testing.assert_close(scale(batch, IMAGENET), torch.stack(one_by_one), rtol=0, atol=0)
    assert batch.dtype == torch.uint8
    assert int(batch[0, 0, 0, 0]) == pictures[0][0, 0, 0]
