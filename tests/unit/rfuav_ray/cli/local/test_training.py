import io
import re
import signal

import cv2
import numpy as np
import pytest
from rich.console import Console

from rfuav_ray.api.requests import TrainingRequest
from rfuav_ray.cli.local.training import train_here
from serve_app.command.console import main
from tests.support.consoles import text_of


@pytest.fixture
def data(tmp_path):
    """Two classes that differ in brightness."""
    rng = np.random.default_rng(0)
    for part in ("train", "valid"):
        for label, name in enumerate(("dark", "light")):
            folder = tmp_path / part / name
            folder.mkdir(parents=True)
            for index in range(4):
                picture = rng.integers(0, 100, (32, 32, 3)) + 150 * label
                cv2.imwrite(str(folder / f"{index}.png"), picture.astype(np.uint8))
    return tmp_path


def request(data, **fields):
    paths = {"train_path": str(data / "train"), "val_path": str(data / "valid"), "save_path": str(data / "out")}
    return TrainingRequest(
        model="resnet18",
        num_classes=2,
        pretrained=False,
        image_size=32,
        batch_size=4,
        num_epochs=2,
        **paths,
        **fields,
    )


def test_training_the_command_trains_without_a_service_and_the_cpu_stands_in_for_a_gpu(data, capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.chdir(data)
    flags = ["--model", "resnet18", "--train-path", "train", "--val-path", "valid", "--save-path", "out"]
    flags += ["--no-pretrained", "--image-size", "32", "--num-epochs", "1", "--device", "cuda", "--name", "first"]
    with pytest.raises(SystemExit) as ended:
        main(["train", "--local", *flags])
    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert (data / "out" / "first" / "best_model.pth").exists()
    for text in (
        "WARNING No GPU found: training on the CPU.",
        "val_acc",
        "Best: epoch 1",
        "best_model.pth",
    ):
        assert text in out
    *log, last = out.splitlines()
    warnings = sum(" WARNING " in line for line in log)
    assert re.match(rf"{warnings} warnings?: ", last)


def test_training_a_gpu_that_is_not_there_is_refused(data, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["train", "--local", *flags_of(request(data, device="cuda:99"))])
    assert ended.value.code == 1
    assert "cuda:99" in capsys.readouterr().err
    assert not (data / "out").exists()


def flags_of(one):
    fields = one.model_dump(exclude_unset=True)
    pretrained = [] if fields.pop("pretrained") else ["--no-pretrained"]
    return [*(f"--{name.replace('_', '-')}={value}" for name, value in fields.items()), *pretrained]


class CtrlC(io.StringIO):
    """A terminal's user who presses ctrl-C when this text is shown."""

    def __init__(self, text):
        super().__init__()
        self.text = text

    def write(self, written):
        if self.text in written:
            self.text = "\0"
            signal.raise_signal(signal.SIGINT)
        return super().write(written)


def test_training_ctrl_c_stops_between_two_batches_and_resume_goes_on(data, capsys):
    before = signal.getsignal(signal.SIGINT)
    stopped = Console(file=CtrlC("Epoch 2/2"), width=200)
    assert train_here(request(data, device="cpu"), stopped, resume=False) == 130
    assert signal.getsignal(signal.SIGINT) is before
    assert "--resume" in capsys.readouterr().err
    resumed = Console(file=io.StringIO(), width=200)
    assert train_here(request(data, device="cpu"), resumed, resume=True) == 0
    assert "Resuming after epoch 1/2" in text_of(resumed)
    assert "Best: " in text_of(resumed)
