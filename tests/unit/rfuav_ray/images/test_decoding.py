"""Files that are cut off or damaged are no images, whatever their format."""

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from rfuav_ray.errors import RunError
from rfuav_ray.images.files import check_whole, read_image, read_pixels, write_pixels

NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 255, (96, 80, 3), dtype=np.uint8))
KINDS: dict[str, dict[str, Any]] = {
    "jpg": {"format": "JPEG", "quality": 90},
    "progressive.jpg": {"format": "JPEG", "progressive": True},
    "png": {"format": "PNG"},
    "bmp": {"format": "BMP"},
    "tif": {"format": "TIFF"},
    "lzw.tiff": {"format": "TIFF", "compression": "tiff_lzw"},
    "webp": {"format": "WEBP"},
    "lossless.webp": {"format": "WEBP", "lossless": True},
}


def encoded(kind: str) -> bytes:
    content = io.BytesIO()
    NOISE.save(content, **KINDS[kind])
    return content.getvalue()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_decoding_a_whole_image_is_read(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / f"i.{kind}", encoded(kind))
    check_whole(path)
    image = read_image(path)
    assert image.shape == (96, 80, 3)
    if "jpg" not in kind and kind != "webp":
        np.testing.assert_array_equal(image, np.asarray(NOISE))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kept", [0.4, 0.95])
@pytest.mark.parametrize("kind", KINDS)
def test_decoding_a_cut_image_is_refused(tmp_path: Path, kind: str, kept: float) -> None:
    content = encoded(kind)
    path = write(tmp_path / f"i.{kind}", content[: int(len(content) * kept)])
    for look in (read_image, read_pixels, check_whole):
        with pytest.raises(RunError, match=r"i\."):
            look(path)


@pytest.mark.parametrize("kind", ["jpg", "progressive.jpg"])
@pytest.mark.parametrize("end", [b"", b"\xff", bytes(1000), b"\xff\xd9" + bytes(1000), b"\xff\xd9trailer"])
def test_decoding_a_jpeg_with_all_pixels_needs_no_end(tmp_path: Path, kind: str, end: bytes) -> None:
    whole = write(tmp_path / "whole.jpg", encoded(kind))
    path = write(tmp_path / "i.jpg", encoded(kind)[:-2] + end)
    check_whole(path)
    np.testing.assert_array_equal(read_image(path), read_image(whole))


@pytest.mark.parametrize("kind", ["jpg", "progressive.jpg"])
@pytest.mark.parametrize("lost", [3, 40])
def test_decoding_a_jpeg_that_lacks_its_last_pixels_is_refused(tmp_path: Path, kind: str, lost: int) -> None:
    path = write(tmp_path / "i.jpg", encoded(kind)[:-lost])
    with pytest.raises(RunError, match="cut off"):
        read_image(path)


def test_decoding_a_jpeg_whose_rest_was_never_written_is_refused(tmp_path: Path) -> None:
    content = encoded("jpg")
    path = write(tmp_path / "i.jpg", content[: len(content) // 2] + bytes(len(content) // 2))
    with pytest.raises(RunError, match="cut off"):
        check_whole(path)


def test_decoding_a_cut_jpeg_with_a_whole_thumbnail_is_refused(tmp_path: Path) -> None:
    content, thumbnail = encoded("jpg"), encoded("progressive.jpg")
    segment = b"\xff\xed" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    path = write(tmp_path / "i.jpg", content[:2] + segment + content[2:])
    check_whole(path)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(RunError, match="cut off"):
        check_whole(path)


@pytest.mark.parametrize("kind", ["png", "lzw.tiff"])
def test_decoding_damage_in_the_middle_is_seen_where_the_format_allows(tmp_path: Path, kind: str) -> None:
    content = bytearray(encoded(kind))
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    path = write(tmp_path / f"i.{kind}", bytes(content))
    for look in (read_image, check_whole):
        with pytest.raises(RunError, match=r"i\."):
            look(path)


@pytest.mark.parametrize("suffix", [".tif", ".TIFF", ".webp", ".png"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_decoding_images_of_any_format_become_colours(tmp_path: Path, suffix: str, mode: str) -> None:
    path = tmp_path / f"i{suffix}"
    NOISE.convert(mode).save(path)
    assert read_image(path).shape == (96, 80, 3)


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
def test_decoding_a_tiff_keeps_its_16_bits(tmp_path: Path, shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(2).integers(0, 2**16, shape, dtype=np.uint16)
    write_pixels(tmp_path / "i.tif", pixels)
    np.testing.assert_array_equal(read_pixels(tmp_path / "i.tif"), pixels)
    assert read_image(tmp_path / "i.tif").dtype == np.uint8


def test_decoding_a_webp_keeps_its_pixels_and_transparency(tmp_path: Path) -> None:
    pixels = np.random.default_rng(2).integers(0, 255, (20, 30, 4), dtype=np.uint8)
    pixels[..., 3] |= 1  # what is wholly transparent has no colour
    write_pixels(tmp_path / "i.webp", pixels)
    np.testing.assert_array_equal(read_pixels(tmp_path / "i.webp"), pixels)


def test_decoding_a_tiff_of_32_bits_is_refused_with_the_remedy(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.float32)).save(tmp_path / "i.tif")
    with pytest.raises(RunError, match="convert it to 8 or 16 bits"):
        read_image(tmp_path / "i.tif")


def test_decoding_a_cmyk_tiff_is_cropped_in_its_colours(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (255, 0, 0, 0)).save(tmp_path / "i.tif")
    np.testing.assert_array_equal(read_pixels(tmp_path / "i.tif")[0, 0], [255, 255, 0])  # cyan, as BGR
    assert cv2.imencode(".tif", read_pixels(tmp_path / "i.tif"))[0]
