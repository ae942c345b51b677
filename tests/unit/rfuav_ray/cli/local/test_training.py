import io
import json
import re
import signal

import pytest
from rich.console import Console

from rfuav_ray.api.requests import TrainingRequest
from rfuav_ray.cli.local.training import train_here
from serve_app.command.console import main
from tests.support.consoles import text_of

pytestmark = pytest.mark.usefixtures("one_thread", "empty_plots")


def request(data, **fields):
    paths = {"train_path": str(data / "train"), "val_path": str(data / "valid"), "save_path": str(data / "out")}
    return TrainingRequest(
        model="mobilenet_v3_small",
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
    flags = ["--model", "mobilenet_v3_small", "--train-path", "train", "--val-path", "valid", "--save-path", "out"]
    flags += ["--no-pretrained", "--image-size", "32", "--num-epochs", "1", "--device", "cuda", "--name", "first"]
    with pytest.raises(SystemExit) as ended:
        main(["train", "--local", *flags])
    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert (data / "out" / "first" / "best_model.pth").exists()
    for text in (
        "WARNING No GPU found: computing on the CPU.",
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


class Signalling(io.StringIO):
    """A user who sends the signal when this text is shown."""

    def __init__(self, text, number):
        super().__init__()
        self.text, self.number = text, number

    def write(self, written):
        if self.text in written:
            self.text = "\0"
            signal.raise_signal(self.number)
        return super().write(written)


def stopped(one, number, text="Epoch 2/2"):
    return train_here(one, Console(file=Signalling(text, number), width=200), resume=True)


def log_of(one, *, resume=True):
    console = Console(file=io.StringIO(), width=200)
    assert train_here(one, console, resume=resume) == 0
    return text_of(console)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_training_a_signal_stops_it_between_two_batches_and_the_same_call_goes_on(data, capsys, number, status):
    before = signal.getsignal(number)
    assert stopped(request(data, device="cpu"), number) == status
    assert signal.getsignal(number) is before
    name = signal.Signals(number).name
    assert f"Stopped by {name}. The work is saved: the same call resumes it." in capsys.readouterr().err
    log = log_of(request(data, device="cpu"))
    assert "Resuming in epoch 2/2 after " in log
    assert "Best: " in log


def test_training_no_resume_starts_anew(data):
    stopped(request(data, device="cpu"), signal.SIGTERM)
    assert "Resuming" not in log_of(request(data, device="cpu"), resume=False)


def test_training_another_request_does_not_take_what_a_stopped_one_has_left(data):
    stopped(request(data, device="cpu"), signal.SIGTERM)
    log = log_of(request(data, device="cpu", learning_rate=0.5))
    assert "Resuming" not in log and "learning rate 0.5" in log


def test_training_a_finished_one_starts_anew_and_a_longer_one_goes_on(data):
    one = request(data, device="cpu")
    log_of(one)
    assert "Resuming" not in log_of(one)
    assert "Resuming after epoch 2/3" in log_of(one.model_copy(update={"num_epochs": 3}))
    report = json.loads((data / "out" / "report.json").read_text())
    assert report["epochs"] == 3
