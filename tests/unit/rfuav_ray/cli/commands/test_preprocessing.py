from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.fake_service import (
    event,
    last_event,
    preprocessing,
    refuse,
    stream,
    task,
)

COMMANDS = {
    "split": ["split", "in", "out"],
    "augment": ["augment", "in"],
    "crop": ["crop", "in", "out", "--x", "0", "--y", "1", "--width", "2", "--height", "3"],
    "spectrogram": ["spectrogram", "in", "out"],
}
STATS: dict[str, dict[str, Any]] = {
    "split": {
        "total_images": 12,
        "train_images": 9,
        "val_images": 3,
        "test_images": 0,
        "classes": ["drone", "remote"],
        "failed": 0,
    },
    "augment": {
        "original_images": 12,
        "augmented_images": 72,
        "methods_used": 6,
        "classes": ["drone", "remote"],
        "failed": 1,
    },
    "crop": {"total_images": 12, "success": 10, "failed": 2},
    "spectrogram": {"recordings": 2, "pictures": 50, "failed": 0, "classes": []},
}
every_command = pytest.mark.parametrize("kind", COMMANDS)


def prepares(service, kind, *log, **final):
    """A task of this kind that ends so."""
    ended = {"task_type": kind, "status": "completed", **final}
    service.on(f"POST /api/v2/preprocessing/{kind}", preprocessing(task_type=kind, status="pending"))
    service.on("GET /api/v2/tasks/t1/logs", stream(*log, last_event(9, ended["status"])))
    service.on("GET /api/v2/tasks/t1", task(**ended))
    service.on("GET /api/v2/preprocessing/t1", preprocessing(task_type=kind, stats=STATS[kind]))


@every_command
def test_preprocessing_it_is_followed_to_its_stats_and_its_folder(service, rfuav, kind):
    prepares(service, kind, event(1, "12 files found"))
    status, out, err = rfuav(*COMMANDS[kind])
    assert (status, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "Task t1"
    assert lines[1].endswith("INFO 12 files found")
    for name, value in STATS[kind].items():
        shown = ", ".join(value) if isinstance(value, list) else value
        assert f"{name.replace('_', ' ')} {shown}".strip() in lines
    assert lines[-1] == "Results: /out"
    assert service.routes()[0] == f"POST /api/v2/preprocessing/{kind}"


def sent(service, rfuav, *arguments):
    service.on(f"POST /api/v2/preprocessing/{arguments[0]}", preprocessing(status="pending"))
    status, _, err = rfuav(*arguments, "--detach")
    assert (status, err) == (0, "")
    return service.requests[0].body


@every_command
def test_preprocessing_defaults_are_left_to_the_service(service, rfuav, tmp_path, kind):
    expected = {
        "split": {"input_path": str(tmp_path / "in"), "output_path": str(tmp_path / "out")},
        "augment": {"dataset_path": str(tmp_path / "in")},
        "crop": {
            "input_path": str(tmp_path / "in"),
            "output_path": str(tmp_path / "out"),
            "x": 0,
            "y": 1,
            "width": 2,
            "height": 3,
        },
        "spectrogram": {"input_path": str(tmp_path / "in"), "output_path": str(tmp_path / "out")},
    }
    assert sent(service, rfuav, *COMMANDS[kind]) == expected[kind]


def test_preprocessing_every_option_of_a_split_is_sent(service, rfuav):
    options = ["--train-ratio", 0.7, "--val-ratio", 0.2, "--seed", 0, "--group-by-recording"]
    naming = ["--task-id", "mine", "--description", "a note"]
    assert sent(service, rfuav, "split", "/in", "/out", *options, *naming) == {
        "input_path": "/in",
        "output_path": "/out",
        "train_ratio": 0.7,
        "val_ratio": 0.2,
        "seed": 0,
        "group_by_recording": True,
        "task_id": "mine",
        "description": "a note",
    }


def test_preprocessing_every_option_of_an_augmentation_is_sent(service, rfuav):
    options = ["--method", "Sharpen", "--method", "CLAHE", "--seed", 7]
    assert sent(service, rfuav, "augment", "/in", "/out", *options) == {
        "dataset_path": "/in",
        "output_path": "/out",
        "methods": ["Sharpen", "CLAHE"],
        "seed": 7,
    }


def test_preprocessing_every_option_of_spectrograms_is_sent(service, rfuav):
    stft = ["--stft-points", 512, "--window", "hann", "--window-overlap", 0.25]
    picture = ["--duration-s", 0.05, "--overlap", 0.5, "--image-size", 320, "--colormap", "gray"]
    signal_options = ["--sample-rate-hz", "20e6", "--data-type", "int16", "--center-frequency-hz", "2.44e9"]
    options = [*stft, *picture, *signal_options, "--db-range", "-80", "-20.5"]
    assert sent(service, rfuav, "spectrogram", "/in", "/out", *options) == {
        "input_path": "/in",
        "output_path": "/out",
        "stft_points": 512,
        "window": "hann",
        "window_overlap": 0.25,
        "duration_s": 0.05,
        "overlap": 0.5,
        "image_size": 320,
        "colormap": "gray",
        "sample_rate_hz": 20e6,
        "data_type": "int16",
        "center_frequency_hz": 2.44e9,
        "db_range": [-80.0, -20.5],
    }


def test_preprocessing_pictures_of_the_transforms_own_size(service, rfuav):
    assert sent(service, rfuav, "spectrogram", "/in", "/out", "--image-size", "none")["image_size"] is None


def test_preprocessing_the_paths_may_come_from_the_config_and_flags_win(service, rfuav, tmp_path):
    fields = {"input_path": "in", "output_path": "out", "x": 5, "y": 5, "width": 5, "height": 5}
    Path("crop.yaml").write_text(yaml.safe_dump(fields))
    assert sent(service, rfuav, "crop", "--config", "crop.yaml", "--x", 1) == {
        **fields,
        "x": 1,
        "input_path": str(tmp_path / "in"),
        "output_path": str(tmp_path / "out"),
    }


def test_preprocessing_methods_of_the_config_stand_unless_some_are_given(service, rfuav):
    Path("augment.yaml").write_text("methods: [CLAHE, Sharpen]\n")
    arguments = ["augment", "in", "--config", "augment.yaml"]
    assert sent(service, rfuav, *arguments)["methods"] == ["CLAHE", "Sharpen"]
    service.requests.clear()
    assert sent(service, rfuav, *arguments, "--method", "ISONoise")["methods"] == ["ISONoise"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["split"], "input_path: is missing; output_path: is missing"),
        (["split", "in", ""], "output_path: string should have at least 1 character"),
        (
            ["split", "in", "out", "--train-ratio", "0.95"],
            "train_ratio: input should be less than or equal to 0.9",
        ),
        (
            ["split", "in", "out", "--val-ratio", "0.3"],
            "val_ratio: train_ratio + val_ratio is 1.1 and cannot be above 1",
        ),
        (["augment"], "dataset_path: is missing"),
        (["augment", "in", "--method", "Blur"], "methods.0: input should be 'AdvancedBlur', 'CLAHE', "),
        (
            ["crop", "in", "out", "--x", "-1"],
            "x: input should be greater than or equal to 0 (it is -1); y: is missing",
        ),
        ([*COMMANDS["crop"], "--width", "0"], "width: input should be greater than 0 (it is 0)"),
        ([*COMMANDS["spectrogram"], "--db-range", "-80", "nan"], "db_range.1: input should be a finite number"),
        ([*COMMANDS["spectrogram"], "--window", "kaiser"], "window: input should be 'hamming', 'hann', "),
        ([*COMMANDS["spectrogram"], "--image-size", "big"], "image_size: input should be a valid integer"),
        ([*COMMANDS["spectrogram"], "--config", "gone.yaml"], "--config: 'gone.yaml' cannot be read"),
    ],
)
def test_preprocessing_bad_values_are_refused_in_one_line_before_anything_is_sent(
    service, rfuav, arguments, reason
):
    code, out, err = rfuav(*arguments)
    assert (code, out) == (2, "")
    assert reason in err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    assert service.requests == []


@pytest.mark.parametrize(
    "arguments", [["split", "a", "b", "c"], ["crop", "in", "out", "--x", "left"], ["split", "-q"]]
)
def test_preprocessing_wrong_usage_is_exit_2(service, rfuav, arguments):
    assert rfuav(*arguments)[0] == 2
    assert service.requests == []


@every_command
@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_preprocessing_what_did_not_complete_is_exit_1_with_the_reason(service, rfuav, kind, status):
    prepares(service, kind, status=status, error="No space left on the device.")
    code, out, err = rfuav(*COMMANDS[kind])
    assert code == 1
    assert err == f"Error: task t1 {status}: No space left on the device.\n"
    assert "Results" not in out


@every_command
def test_preprocessing_detach_prints_the_id_alone(service, rfuav, kind):
    prepares(service, kind)
    assert rfuav(*COMMANDS[kind], "--detach") == (0, "t1\n", "")
    assert len(service.requests) == 1


def test_preprocessing_a_refusal_is_one_line(service, rfuav):
    errors = [{"field": "output_path", "message": "'/out' is not empty."}]
    service.on("POST /api/v2/preprocessing/split", refuse(422, "The request is not valid.", errors=errors))
    code, out, err = rfuav(*COMMANDS["split"])
    assert (code, out) == (1, "")
    assert err == "Error: The request is not valid. output_path: '/out' is not empty. (HTTP 422)\n"


def test_preprocessing_a_replica_that_learns_of_the_end_later_is_asked_again(service, rfuav):
    prepares(service, "crop")
    late = [preprocessing(status="running"), preprocessing(stats=STATS["crop"])]
    service.on("GET /api/v2/preprocessing/t1", *late)
    assert "success" in rfuav(*COMMANDS["crop"])[1]


def test_preprocessing_ctrl_c_leaves_the_work_alone(service, interrupted_rfuav):
    service.on("POST /api/v2/preprocessing/split", preprocessing(status="pending"))
    service.on("GET /api/v2/tasks/t1/logs", service.hang(event(1, "copying")))
    status, lines, _, err = interrupted_rfuav(*COMMANDS["split"])
    assert "Task t1" in lines and "copying" in lines
    assert status == 130
    assert "rfuav cancel t1" in err
    assert service.routes() == ["POST /api/v2/preprocessing/split", "GET /api/v2/tasks/t1/logs"]
