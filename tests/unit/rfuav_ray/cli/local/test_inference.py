import io
import signal

import pytest
from rich.console import Console

from rfuav_ray.api.requests import InferenceRequest, TrainingRequest
from rfuav_ray.cli.local.inference import infer_here
from rfuav_ray.cli.local.training import train_here
from tests.support.consoles import text_of

pytestmark = pytest.mark.usefixtures("one_thread", "empty_plots")


def test_inference_it_prints_the_predictions_and_is_stopped_by_sigterm(data, capsys):
    training = TrainingRequest(
        model="mobilenet_v3_small",
        num_classes=2,
        pretrained=False,
        image_size=32,
        num_epochs=1,
        device="cpu",
        train_path=str(data / "train"),
        val_path=str(data / "valid"),
        save_path=str(data / "out"),
    )
    assert train_here(training, Console(file=io.StringIO()), resume=True) == 0
    request = InferenceRequest(
        cfg_path=str(data / "out/model.yaml"),
        weight_path=str(data / "out/best_model.pth"),
        source_path=str(data / "valid"),
        save_path=str(data / "found"),
        name="first",
        device="cpu",
    )
    console = Console(file=io.StringIO(), width=200)
    assert infer_here(request, console) == 0
    shown = text_of(console)
    assert "dark/0.png" in shown and str(data / "found/first/predictions.csv") in shown

    class Stopping(io.StringIO):
        def write(self, written):
            if "Classifying" in written:
                signal.raise_signal(signal.SIGTERM)
            return super().write(written)

    assert infer_here(request.model_copy(update={"name": "second"}), Console(file=Stopping())) == 143
    assert "Stopped by SIGTERM" in capsys.readouterr().err
    assert not (data / "found/second/predictions.csv").exists()
