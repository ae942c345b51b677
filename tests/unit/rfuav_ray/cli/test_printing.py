import io

import pytest
from rich.console import Console

from rfuav_ray.cli.doctor.software import Finding
from rfuav_ray.cli.printing import (
    SEGMENTS_SHOWN,
    findings_table,
    newest_first,
    print_inference,
    print_predictions,
    print_preprocessing,
    print_recordings,
    print_training,
    tasks_table,
)
from tests.support.consoles import text_of
from tests.support.fake_service import preprocessing, task


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=240)


def lines(console):
    return [" ".join(line.split()) for line in text_of(console).splitlines()]


def test_printing_ids_are_whole_on_a_narrow_terminal_too():
    narrow = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    narrow.print(
        tasks_table(narrow, [task("0f8fad5b-d9cb-469f-a165-70867728950e", message="a long message " * 9)])
    )
    assert "0f8fad5b-d9cb-469f-a165-70867728950e" in text_of(narrow)


def test_printing_what_a_task_is_about_depends_on_its_state(console):
    tasks = [
        task("a", status="failed", error="no space", latest_metrics={"val_acc": 1.0}),
        task("b", status="running", latest_metrics=None, description="night run", message="Running."),
        task("c", status="pending", latest_metrics=None, message="Waiting."),
    ]
    console.print(tasks_table(console, tasks))
    assert [line.split(" d ")[-1] for line in lines(console)[1:]] == ["no space", "night run", "Waiting."]


def test_printing_newest_first_over_all_kinds_and_forms_of_time():
    answer = {
        "training_tasks": [
            task("a", created_at="2026-01-01T00:00:02"),
            task("b", created_at="2026-01-01T00:00:00Z"),
        ],
        "inference_tasks": [task("c", created_at="2026-01-01T01:00:03+01:00")],
    }
    assert [one["task_id"] for one in newest_first(answer)] == ["c", "a", "b"]


def test_printing_a_training_without_figures_still_names_its_folder(console):
    print_training(console, {}, {"save_path": "/out/[run]"})
    assert "Results: /out/[run]" in lines(console)


def test_printing_a_trainings_figures(console):
    metrics = {"epoch": 3, "val_acc": 93.14159265, "learning_rate": 0.0001}
    print_training(console, metrics, {"best_epoch": 2, "best_acc": 95.5, "files": {"curves": "/out/curves.png"}})
    for line in ("epoch 3", "val_acc 93.1416", "learning_rate 0.0001", "/out/curves.png"):
        assert line in lines(console)
    assert "Best: epoch 2, validation accuracy 95.5 %" in lines(console)


def test_printing_an_inference_without_rows(console):
    print_predictions(console, [], total=0)
    print_inference(console, {"classes": {}})
    assert "more" not in text_of(console)


def test_printing_the_verdicts_and_segments_of_recordings(console):
    segment = {"start_s": 3.2, "end_s": 7.8, "class_name": "drone [1]", "probability": 0.9712}
    heard = {
        "file": "[a].sigmf-meta",
        "duration_s": 30.0,
        "verdict": {"class_name": "drone [1]", "probability": 0.9, "share": 0.4, "unknown": True},
        "windows": 300,
        "empty_windows": 120,
        "failed_windows": 0,
        "segments": [segment] * (SEGMENTS_SHOWN + 2),
    }
    silent = {**heard, "file": "b.iq", "verdict": None, "segments": []}
    gone = {**silent, "file": "c.iq", "empty_windows": 0, "failed_windows": 300}
    print_recordings(console, [heard, silent, gone], total=6)
    for line in (
        "[a].sigmf-meta 30 s drone [1] (unknown) 0.900 300 120 0",
        "b.iq 30 s nothing on the air 300 120 0",
        "c.iq 30 s unreadable 300 0 300",
        "… and 3 more",
        "[a].sigmf-meta 3.200 s 7.800 s drone [1] 0.971",
        "[a].sigmf-meta … and 2 more",
    ):
        assert line in lines(console)


def test_printing_what_a_preprocessing_made(console):
    stats = {"total_images": 12, "test_images": 0, "classes": ["[a]", "drone 2"], "failed": 0}
    print_preprocessing(console, preprocessing(stats=stats, output_path="/out/[new]"))
    for line in ("total images 12", "test images 0", "classes [a], drone 2", "failed 0", "Results: /out/[new]"):
        assert line in lines(console)


@pytest.mark.parametrize(("failed", "is_yellow"), [(0, False), (3, True)])
def test_printing_failed_files_catch_the_eye(failed, is_yellow):
    terminal = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    print_preprocessing(terminal, preprocessing(stats={"success": 7, "failed": failed}))
    assert (f"\x1b[33m{failed} " in text_of(terminal)) is is_yellow


def test_printing_a_preprocessing_without_stats_still_names_its_folder(console):
    print_preprocessing(console, preprocessing(stats=None))
    assert "Results: /out" in lines(console)


def test_printing_findings_name_the_check_the_state_and_the_advice(console):
    console.print(findings_table(console, [Finding("PORT", "broken", "8000 is in use", "Set PORT.")]))
    assert lines(console)[1] == "PORT broken 8000 is in use Set PORT."
