"""The rectangle, at the edges and in every kind of image."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from preprocessing.crop import crop, run
from preprocessing.pipeline.driver import Workers
from preprocessing.pipeline.worker import Item
from rfuav_ray.api.requests import ImageCropRequest
from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.outputs.manifest import RUN_FILE, RUN_FOLDER


@pytest.fixture
def cropped(tmp_path):
    """The pixels, as stored, of an image after it was cropped."""

    def crop_it(name, rectangle):
        crop(Item(name, name), tmp_path / "out", source=tmp_path, rectangle=rectangle)
        return cv2.imread(str(tmp_path / "out" / name), cv2.IMREAD_UNCHANGED)

    return crop_it


def picture(depth=np.uint8, channels=3):
    count = 30 * 40 * channels
    return (np.arange(count).reshape(30, 40, channels) * 7 % np.iinfo(depth).max).astype(depth)


@pytest.mark.parametrize(
    ("rectangle", "part"),
    [
        ((5, 10, 20, 15), np.s_[10:25, 5:25]),
        ((30, 20, 500, 500), np.s_[20:30, 30:40]),
        ((0, 0, 40, 30), np.s_[:, :]),
        ((39, 29, 1, 1), np.s_[29:, 39:]),
    ],
)
def test_crop_the_rectangle_is_cut_at_the_edge(tmp_path, cropped, rectangle, part):
    assert cv2.imwrite(str(tmp_path / "i.png"), picture())
    np.testing.assert_array_equal(cropped("i.png", rectangle), picture()[part])


@pytest.mark.parametrize("rectangle", [(40, 0, 5, 5), (0, 30, 5, 5)])
def test_crop_a_rectangle_outside_is_refused_with_the_images_size(tmp_path, cropped, rectangle):
    assert cv2.imwrite(str(tmp_path / "i.png"), picture())
    with pytest.raises(RunError, match="40 x 30"):
        cropped("i.png", rectangle)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_crop_a_png_keeps_its_depth_and_channels(tmp_path, cropped, depth, channels):
    pixels = picture(depth, channels)
    assert cv2.imwrite(str(tmp_path / "i.png"), pixels)
    np.testing.assert_array_equal(cropped("i.png", (2, 3, 10, 10)), pixels[3:13, 2:12].squeeze())


@pytest.mark.parametrize("name", ["i.jpg", "i.JPEG", "i.bmp", "i.PNG", "i.tif", "i.TIFF", "i.webp"])
def test_crop_the_format_stays(tmp_path, cropped, name):
    assert cv2.imwrite(str(tmp_path / name), picture())
    assert cropped(name, (0, 0, 8, 8)).shape == (8, 8, 3)
    assert (tmp_path / "out" / name).read_bytes()[:2] == (tmp_path / name).read_bytes()[:2]


@pytest.mark.parametrize("mode", ["CMYK", "L"])
def test_crop_jpegs_of_any_colours_are_cropped(tmp_path, cropped, mode):
    Image.new(mode, (40, 30), 100 if mode == "L" else (10, 20, 30, 40)).save(tmp_path / "i.jpg")
    assert cropped("i.jpg", (0, 0, 8, 8)).shape[:2] == (8, 8)


@pytest.mark.parametrize("content", [b"", b"not an image", b"\xff\xd8\xff\xe0 cut"])
def test_crop_what_is_no_image_is_named(tmp_path, cropped, content):
    (tmp_path / "bad.jpg").write_bytes(content)
    with pytest.raises(RunError, match=r"bad\.jpg"):
        cropped("bad.jpg", (0, 0, 1, 1))


def test_crop_a_run_refuses_an_unfinished_data_set_that_came_from_a_bucket(tmp_path):
    (tmp_path / "in" / RUN_FOLDER).mkdir(parents=True)
    mark = {"state": "unfinished", "run_id": "other", "request": {}, "plan": "", "is_new": True, "result": None}
    (tmp_path / "in" / RUN_FOLDER / RUN_FILE).write_text(json.dumps(mark))
    assert cv2.imwrite(str(tmp_path / "in" / "i.png"), picture())
    paths = {"input_path": str(tmp_path / "in"), "output_path": str(tmp_path / "out")}
    with pytest.raises(InvalidInput, match="is incomplete: task other"):
        run(ImageCropRequest(**paths, x=0, y=0, width=5, height=5), run_id="one", workers=Workers(1, 1))
    assert not (tmp_path / "out").exists()
