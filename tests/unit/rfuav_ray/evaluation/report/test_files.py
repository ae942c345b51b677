"""The report of an evaluation as a page and as plots."""

import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from rfuav_ray.errors import RunCancelled
from rfuav_ray.evaluation.report.files import About, write
from tests.support.evaluation_numbers import numbers_and_about

PLOTS = ("confusion_matrix.png", "snr.png", "reliability.png")


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the ids."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    @property
    def ids(self):
        return [attributes["id"] for _, attributes in self.found if "id" in attributes]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write(folder, *numbers_and_about())
    return folder


@pytest.fixture(scope="module")
def text(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


def test_files_every_plot_is_written_and_shows_something(folder):
    assert {path.name for path in folder.iterdir()} == {"report.html", *PLOTS}
    for name in PLOTS:
        picture = cv2.imread(str(folder / name))
        assert picture is not None and np.ptp(picture) > 100


def test_files_the_page_needs_nothing_but_itself_and_runs_nothing(text):
    page = Elements(text)
    assert not {"script", "link", "iframe", "form", "object", "embed", "base"} & {tag for tag, _ in page.found}
    for tag, attributes in page.found:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href", "xlink:href"):
            assert attributes.get(name, "#").startswith(("#", "data:")), (tag, attributes)
    assert not re.search(r"url\((?!#)|@import", text)
    assert "default-src 'none'" in text


def test_files_names_of_classes_and_files_are_no_markup(text):
    assert "<b>Skydio" not in text and "&lt;b&gt;Skydio &amp; co&lt;/b&gt;" in text
    assert "/data/RF &amp; drones/&lt;test&gt;" in text


def test_files_every_part_is_there_with_ids_of_its_own(text):
    page = Elements(text)
    parts = {"verdict", "headline", "snr", "classes", "confusion", "calibration", "unknown", "warnings", "data"}
    assert parts <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert sum(tag == "svg" for tag, _ in page.found) == 3
    assert all(attributes["aria-label"] for tag, attributes in page.found if tag == "svg")
    assert "The data are of 24 recordings." in text and "These numbers may be better" in text


def test_files_it_is_readable_in_the_dark_and_on_paper(text):
    assert "prefers-color-scheme: dark" in text and "@media print" in text
    assert "#000000" not in text and "currentColor" in text


def test_files_what_there_is_nothing_for_is_left_out_and_an_older_plot_goes(tmp_path):
    numbers, _ = numbers_and_about()
    for name in PLOTS:
        (tmp_path / name).write_bytes(b"of an earlier evaluation")
    del numbers["confusion_matrix"]
    bare = numbers | {"by_snr": [], "calibration": None, "open_set": None, "leakage": None, "intervals": {}}
    write(tmp_path, bare, About("resnet18"))
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert 'id="snr"' not in text and "<svg" not in text
    assert "Nothing was calibrated" in text and "No signals of unknown classes were tried" in text
    assert "There are no intervals" in text and "is not known" in text


def test_files_many_classes_are_a_picture(tmp_path, monkeypatch):
    monkeypatch.setattr("rfuav_ray.evaluation.report.files.NUMBERED_CLASSES", 2)
    numbers, _ = numbers_and_about(["类", "$x^2$", "c"])
    write(tmp_path, numbers | {"by_snr": []}, About("resnet18"))
    assert "data:image/png;base64," in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_files_a_cancel_is_heard_between_the_plots(tmp_path):
    seen = []

    def report(event):
        seen.append(event)
        if len(seen) == 2:
            raise RunCancelled

    numbers, about = numbers_and_about()
    with pytest.raises(RunCancelled):
        write(tmp_path, numbers | {"confusion_matrix": []}, about, report)
    assert not (tmp_path / "report.html").exists()
