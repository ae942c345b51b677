from pathlib import Path

import cv2
import numpy as np
import pytest

from rfuav_ray.training.plots import plot_confusion_matrix, plot_curves

pytestmark = pytest.mark.filterwarnings("error")


def picture(path: Path) -> np.ndarray:
    assert path.read_bytes().startswith(b"\x89PNG")
    image = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


def row(epoch: int) -> dict[str, float]:
    keys = ("train_loss", "val_loss", "train_acc", "val_acc", "macro_f1", "micro_f1", "mAP")
    return {"epoch": epoch, **{key: (index + 1) / epoch for index, key in enumerate(keys)}}


@pytest.mark.parametrize("epochs", [1, 12])
def test_plots_curves_show_every_line(tmp_path: Path, epochs: int) -> None:
    plot_curves(tmp_path / "curves.png", [row(epoch) for epoch in range(1, epochs + 1)])
    pixels = picture(tmp_path / "curves.png").reshape(-1, 3)
    # matplotlib's first, second and third line colour, blue green red
    for colour in ((180, 119, 31), (14, 127, 255), (44, 160, 44)):
        assert (pixels == colour).all(axis=1).any()
    assert [file.name for file in tmp_path.iterdir()] == ["curves.png"]


@pytest.mark.parametrize("classes", [1, 2, 37, 70])
def test_plots_the_confusion_matrix_grows_with_its_classes(tmp_path: Path, classes: int) -> None:
    path = tmp_path / "matrix.png"
    plot_confusion_matrix(path, np.eye(classes, dtype=int) * 12345, [f"c{i}" for i in range(classes)])
    assert picture(path).shape[0] >= min(classes, 37) * 30


def test_plots_a_right_and_a_wrong_matrix_look_different(tmp_path: Path) -> None:
    plot_confusion_matrix(tmp_path / "right.png", np.array([[5, 0], [0, 5]]), ["a", "b"])
    plot_confusion_matrix(tmp_path / "wrong.png", np.array([[0, 5], [5, 0]]), ["a", "b"])
    assert not np.array_equal(picture(tmp_path / "right.png"), picture(tmp_path / "wrong.png"))


def test_plots_a_class_without_images_leaves_its_row_empty(tmp_path: Path) -> None:
    plot_confusion_matrix(tmp_path / "matrix.png", np.array([[5, 0], [0, 0]]), ["a", "b"])
    plot_confusion_matrix(tmp_path / "full.png", np.array([[5, 0], [0, 5]]), ["a", "b"])
    empty, full = picture(tmp_path / "matrix.png"), picture(tmp_path / "full.png")
    assert empty.shape == full.shape
    assert empty.mean() > full.mean()  # one dark cell less


@pytest.mark.parametrize(
    "name",
    ["无人机", "Мавик", "🚁", "$x_{1}", "$\\frac{", "a\tb", "line\nbreak", "_hidden", "x" * 255, "%s {} \\"],
)
def test_plots_any_class_name_can_be_drawn(tmp_path: Path, name: str) -> None:
    plot_confusion_matrix(tmp_path / "matrix.png", np.eye(2, dtype=int), [name, "other"])
    plot_confusion_matrix(tmp_path / "unnamed.png", np.eye(2, dtype=int), ["", "other"])
    drawn, unnamed = picture(tmp_path / "matrix.png"), picture(tmp_path / "unnamed.png")
    assert drawn.shape != unnamed.shape or not np.array_equal(drawn, unnamed)


def test_plots_an_older_picture_survives_when_drawing_fails(tmp_path: Path) -> None:
    path = tmp_path / "curves.png"
    plot_curves(path, [row(1)])
    before = path.read_bytes()
    with pytest.raises(KeyError):
        plot_curves(path, [{"epoch": 1}])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
