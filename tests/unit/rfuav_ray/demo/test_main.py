import io
import signal

import pytest
from rich.console import Console

from rfuav_ray.demo.data import CLASSES
from rfuav_ray.demo.main import _new_folder, _show_predictions, run


def test_main_a_new_or_empty_folder_is_used_as_it_is(tmp_path):
    assert _new_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert _new_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()


def test_main_what_is_in_a_folder_stays_and_the_next_number_is_used(tmp_path):
    for name in ("demo", "demo-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").touch()
    (tmp_path / "demo-3").touch()
    assert _new_folder(tmp_path / "demo") == tmp_path / "demo-4"
    assert (tmp_path / "demo" / "mine.txt").exists()


def test_main_a_folder_that_the_settings_cannot_name_is_refused_before_anything_is_made(tmp_path):
    output = io.StringIO()
    before = signal.getsignal(signal.SIGTERM)
    assert run(tmp_path / "a,b", Console(file=output)) == 1
    assert "comma" in output.getvalue()
    assert not list(tmp_path.iterdir())
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("wrong", [0, 1])
def test_main_right_and_wrong_are_counted_and_the_hardest_shown(wrong):
    def row(truth, predicted, probability):
        return {"file": f"{truth}/x.png", "class_name": predicted, "probability": probability}

    rows = [row(name, name, 0.9) for name in CLASSES for _ in range(3)]
    rows += [row(CLASSES[0], CLASSES[1], 0.4321)] * wrong
    output = io.StringIO()
    _show_predictions(Console(file=output, width=200), rows)
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.getvalue().splitlines()]
    assert [CLASSES[0], "3", str(wrong)] in cells
    assert [CLASSES[1], "3", "0"] in cells
    assert ([f"{CLASSES[0]}/x.png", CLASSES[1], "0.43"] in cells) == bool(wrong)
    assert f"24 of {24 + wrong} right" in output.getvalue()
