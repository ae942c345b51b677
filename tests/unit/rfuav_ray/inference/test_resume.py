"""An inference that was interrupted or killed goes on after the images that it has done."""

import json
import os
from pathlib import Path

import pytest

from rfuav_ray.errors import RunCancelled, RunError, RunInterrupted
from rfuav_ray.events import RunEvent
from tests.support.inference_runs import Run

pytestmark = pytest.mark.usefixtures("one_thread")

RESULTS = ["predictions.csv", "predictions.index", "predictions.json", "predictions.jsonl"]
IMAGES = 10
#: of the images, in order of their names
BROKEN = 3


class ComparedRun(Run):
    """Ten images, one of which cannot be read, and the results of an inference that nobody interrupted."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.add_images(*(f"{index}.png" for index in range(IMAGES)))
        (self.source / f"{BROKEN}.png").write_bytes(b"no image")
        self.out = folder / "whole"
        self.result = self.infer(batch_size=2)
        self.whole = contents(self)
        self.out = folder / "out"
        self.events.clear()


@pytest.fixture
def run(tmp_path):
    return ComparedRun(tmp_path)


def contents(run):
    return [(run.out / name).read_bytes() for name in RESULTS]


def end_after(run, batches, error=RunInterrupted, run_id="task"):
    """End a run by an error at the report of its n-th batch; returns its events."""
    events: list[RunEvent] = []

    def report(event: RunEvent) -> None:
        if event.metrics is not None and sum(event.metrics is not None for event in events) == batches - 1:
            raise error
        events.append(event)

    with pytest.raises(error):
        run.infer(report=report, batch_size=2, run_id=run_id, resume=True)
    return events


def go_on(run, run_id="task"):
    run.events.clear()
    return run.infer(batch_size=2, run_id=run_id, resume=True)


def files(run):
    return sorted(path.name for path in run.out.iterdir())


def part(run):
    (path,) = run.out.glob(".predictions-*.jsonl")
    return path


def assert_it_went_on(run, result, done):
    assert run.messages()[0] == f"Resuming after {done} of {IMAGES} images."
    assert next(event.progress for event in run.events if event.message) == 100 * done / IMAGES
    assert contents(run) == run.whole
    for key in ("images", "failed", "failed_images", "classes"):
        assert result[key] == run.result[key]
    assert files(run) == RESULTS


@pytest.mark.parametrize("error", [RunInterrupted, KeyboardInterrupt])
@pytest.mark.parametrize("batches", [1, 2, 4, 5])
def test_resume_it_goes_on_and_ends_like_one_that_was_not_interrupted(run, batches, error):
    end_after(run, batches, error)
    assert files(run) == [part(run).name]
    result = go_on(run)
    assert_it_went_on(run, result, 2 * batches)
    progress = [event.progress for event in run.events if event.progress is not None]
    assert progress == sorted(progress) and progress[-1] == 100


def test_resume_it_may_be_interrupted_again_and_again(run):
    heard = [event for batches in (1, 1, 2) for event in end_after(run, batches)]
    result = go_on(run)
    assert_it_went_on(run, result, 8)
    warnings = [event for event in heard + run.events if event.level == "WARNING"]
    assert len(warnings) == 1 and f"{BROKEN}.png" in warnings[0].message


def test_resume_images_a_second_are_those_of_the_present_run(run):
    end_after(run, 5)
    assert go_on(run)["images_per_second"] == 0
    assert "0.0 a second" in run.messages()[-1]


@pytest.mark.parametrize("torn", [b'{"file": "4.png", "fra', b"\0" * 500, b"\0" * 20 + b"\n", b"\xff\n", b"{}\n"])
def test_resume_what_a_power_cut_tore_is_cut_off(run, torn):
    end_after(run, 2)
    with part(run).open("ab") as file:
        file.write(torn)
    assert_it_went_on(run, go_on(run), 4)


def test_resume_a_hole_in_the_middle_costs_what_follows_it(run):
    end_after(run, 3)
    lines = part(run).read_bytes().splitlines(keepends=True)
    part(run).write_bytes(b"".join([*lines[:3], b"\0" * 40 + b"\n", *lines[4:]]))
    assert_it_went_on(run, go_on(run), 2)


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"{", b"[]\n"])
def test_resume_without_a_readable_first_line_it_begins_anew(run, content):
    end_after(run, 2)
    part(run).write_bytes(content)
    go_on(run)
    assert run.messages()[0].startswith("Classifying 10 images")
    assert contents(run) == run.whole
    # The other one is about an image that cannot be read.
    assert "start" in run.messages("WARNING")[0] and len(run.messages("WARNING")) == 2


def test_resume_a_run_that_was_killed_while_it_wrote_its_results_leaves_no_half_of_them(run):
    end_after(run, 5, KeyboardInterrupt)
    (run.out / "predictions.index").write_bytes(b"of rows that nobody has")
    (run.out / f".{'0' * 32}.tmp.jsonl").write_text('{"file"')
    assert_it_went_on(run, go_on(run), IMAGES)


@pytest.mark.parametrize("changed", ["a new image", "the weights", "the config"])
def test_resume_changed_input_is_told_of_and_all_is_done_again(run, changed):
    end_after(run, 2)
    if changed == "a new image":
        run.add_images("a.png")
    elif changed == "the weights":
        run.save_weights()
    else:
        text = (run.folder / "model.yaml").read_text()
        (run.folder / "model.yaml").write_text(text.replace("drone 0", "drone 00"))
    result = go_on(run)
    assert "starts from the beginning" in run.messages("WARNING")[0]
    assert run.messages()[0].startswith("Classifying")
    assert result["images"] == len(list(run.source.iterdir())) - 1
    assert files(run) == RESULTS


@pytest.mark.parametrize(("image", "done"), [("1.png", 1), ("3.png", 3), ("8.png", 4)])
def test_resume_an_image_with_another_content_is_classified_again(run, image, done):
    """Also where its size and its times are the same. The fourth image could not be read."""
    end_after(run, 2)
    path = run.source / image
    before = path.stat()
    other = (run.source / "9.png").read_bytes() if image == "8.png" else b"x" * before.st_size
    path.write_bytes(other)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    result = go_on(run)
    warnings = run.messages("WARNING")
    assert run.messages()[0] == f"Resuming after {done} of {IMAGES} images."
    assert any("resumes before it" in warning for warning in warnings) == (done < 4)
    run.out = run.folder / "compared"
    compared = run.infer(batch_size=2)
    assert result["classes"] == compared["classes"] and result["failed"] == compared["failed"]


@pytest.mark.parametrize("resume", [False, True])
def test_resume_another_task_is_not_disturbed_by_what_a_killed_one_left(run, resume):
    end_after(run, 2, run_id="killed")
    left = part(run)
    before = left.read_bytes()
    run.infer(batch_size=2, run_id="another", resume=resume)
    assert run.messages()[0].startswith("Classifying")
    assert contents(run) == run.whole
    assert left.read_bytes() == before


def test_resume_without_resume_it_begins_anew(run):
    end_after(run, 2)
    run.infer(batch_size=2, run_id="task")
    assert run.messages()[0].startswith("Classifying")
    assert contents(run) == run.whole
    assert files(run) == RESULTS


@pytest.mark.parametrize("error", [RunCancelled, RunError, ValueError])
def test_resume_a_run_that_is_given_up_leaves_nothing(run, error):
    end_after(run, 2)
    end_after(run, 2, error)
    assert files(run) == []


def test_resume_a_run_that_cannot_even_begin_again_leaves_nothing(run):
    end_after(run, 2)
    (run.folder / "weights.pth").unlink()
    with pytest.raises(RunError, match=r"weights\.pth"):
        go_on(run)
    assert files(run) == []


def test_resume_the_life_before_may_still_be_writing(run, tmp_path):
    """A run that was given up for lost writes into its own file, not between the lines of the next one."""
    end_after(run, 2)
    with part(run).open("ab", buffering=0) as older:

        def report(event: RunEvent) -> None:
            run.events.append(event)
            older.write(b'{"file": "0.png"}\n')

        result = run.infer(batch_size=2, run_id="task", resume=True, report=report)
    assert_it_went_on(run, result, 4)


def test_resume_runs_without_an_id_do_not_share_a_file(run):
    end_after(run, 2, KeyboardInterrupt, run_id="")
    go_on(run, run_id="")
    assert run.messages()[0].startswith("Classifying")
    assert contents(run) == run.whole


def test_resume_each_line_is_whole_when_the_batch_is_told_of(run):
    seen: list[int] = []

    def report(event: RunEvent) -> None:
        if event.metrics is not None:
            lines = part(run).read_text(encoding="utf-8").splitlines()
            assert all(isinstance(json.loads(line), dict) for line in lines)
            seen.append(len(lines) - 1)

    run.infer(batch_size=4, run_id="task", report=report)
    assert seen == [4, 8, 10]
