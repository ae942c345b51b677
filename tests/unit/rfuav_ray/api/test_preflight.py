import pytest

from rfuav_ray.api.preflight import check_inference, check_training
from rfuav_ray.api.requests import SUPPORTED_MODELS, InferenceRequest
from rfuav_ray.errors import InvalidInput
from tests.support import training_runs
from tests.support.inference_runs import RATE_HZ, Run
from tests.support.signals import tone


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path)
    run.add_images("a.png")
    return run


def check(run, **fields):
    request = InferenceRequest(
        **{
            "cfg_path": str(run.folder / "model.yaml"),
            "weight_path": str(run.folder / "weights.pth"),
            "source_path": str(run.source),
            **fields,
        }
    )
    return check_inference(request, roots=[run.folder])


@pytest.mark.parametrize(
    ("name", "field"),
    [("weights.pth", "weight_path"), ("model.yaml", "cfg_path"), ("source/a.png", "source_path")],
)
def test_preflight_what_was_found_good_is_looked_at_again_when_it_has_changed(run, name, field):
    assert check(run) == check(run)
    file = run.folder / name
    if field == "source_path":
        file.unlink()
    else:
        file.write_bytes(b"x" * file.stat().st_size)
    with pytest.raises(InvalidInput) as refusal:
        check(run)
    assert refusal.value.field == field
    with pytest.raises(InvalidInput):  # a refusal is not remembered as a success
        check(run)


def test_preflight_a_file_that_was_mended_is_taken(run):
    good = (run.folder / "weights.pth").read_bytes()
    (run.folder / "weights.pth").write_bytes(good[: len(good) // 2])
    with pytest.raises(InvalidInput):
        check(run)
    (run.folder / "weights.pth").write_bytes(good)
    check(run)


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"save_path": "new", "name": "数" * 86}, "name", "has 258 bytes; at most 255"),
        ({"save_path": "new/" + "x" * 256}, "save_path", "has 256 bytes; at most 255"),
        ({"save_path": "x" * 200 + "/yy" * 1250}, "save_path", "the files in it need up to 128 more"),
        ({"save_path": "new", "name": "run\n"}, "name", "contains a line break"),
        ({"save_path": "$OUT"}, "save_path", "variables are not replaced"),
        ({"source_path": "https://host/x"}, "source_path", "is a URL"),
        ({"weight_path": "C:\\w.pth"}, "weight_path", "is a Windows path"),
    ],
)
def test_preflight_a_path_that_cannot_work_is_refused_with_its_field(run, fields, field, reason):
    with pytest.raises(InvalidInput, match=reason) as refusal:
        check(run, **fields)
    assert refusal.value.field == field
    assert not (run.folder / "new").exists()


def test_preflight_a_linked_source_counts_if_it_leads_into_the_roots(run, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (run.source / "a.png").rename(elsewhere / "a.png")
    (run.source / "linked").symlink_to(elsewhere)
    with pytest.raises(InvalidInput, match="no image"):
        check(run)
    run.add_images("b.tiff")
    assert check(run)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, ""),
        ({"save_path": "."}, ""),
        ({"val_path": "train"}, "val_path"),
        ({"val_path": "train/noise"}, "val_path"),
        ({"save_path": "train/run1"}, "save_path"),
        ({"save_path": "val"}, "save_path"),
        ({"save_path": ".", "name": "train"}, "save_path"),
        ({"save_path": "linked/noise"}, "save_path"),
    ],
)
def test_preflight_the_folders_of_a_training_lie_apart(tmp_path, changes, field):
    for part in ("train", "val"):
        training_runs.make_images(tmp_path / part, training_runs.CLASSES, 1)
    (tmp_path / "linked").symlink_to("train")
    wanted = training_runs.request(tmp_path, tmp_path / "out")
    wanted = wanted.model_copy(
        update={key: value if key == "name" else str(tmp_path / value) for key, value in changes.items()}
    )
    if not field:
        assert check_training(wanted, roots=[tmp_path], supported_models=SUPPORTED_MODELS)
        return
    with pytest.raises(InvalidInput) as refusal:
        check_training(wanted, roots=[tmp_path], supported_models=SUPPORTED_MODELS)
    assert refusal.value.field == field


@pytest.fixture
def heard(run):
    """A run whose source has recordings and no image."""
    (run.source / "a.png").unlink()
    run.add_recording("a", tone(1e5, RATE_HZ, 20_000))
    return run


def test_preflight_recordings_are_taken_if_the_model_or_the_request_says_how_to_draw_them(heard):
    with pytest.raises(InvalidInput, match="Set style, stft_points, duration_s") as refusal:
        check(heard)
    assert refusal.value.field == "style"
    check(heard, style="rfuav", stft_points=128, duration_s=0.01)
    heard.knows_spectrograms()
    check(heard)
    check(heard, source_path=str(heard.source / "a.sigmf-meta"))


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"duration_s": 0.00001}, "duration_s", "fewer than stft_points"),
        ({"duration_s": 1.0}, "source_path", "one spectrogram needs 1000000"),
        ({"sample_rate_hz": 1e5}, "source_path", "0.1 MS/s, and the model was trained at 1 MS/s"),
        (
            {"sample_rate_hz": 2e6, "on_rate_mismatch": "refuse"},
            "source_path",
            "2 MS/s, and the model was trained at 1 MS/s",
        ),
        ({"source_path": "model.yaml"}, "source_path", "not an image .* and no recording"),
        ({"annotate": True, "save_path": "source/out"}, "save_path", "annotate must write nothing"),
        ({"save_images": True, "save_path": "source"}, "save_path", "save_images must write nothing"),
    ],
)
def test_preflight_recordings_that_cannot_be_classified_are_refused(heard, fields, field, reason):
    heard.knows_spectrograms()
    with pytest.raises(InvalidInput, match=reason) as refusal:
        check(heard, **fields)
    assert refusal.value.field == field


def test_preflight_a_recording_without_a_rate_needs_one(heard):
    heard.knows_spectrograms()
    (heard.source / "a.sigmf-meta").unlink()
    (heard.source / "a.sigmf-data").rename(heard.source / "a.cs8")
    with pytest.raises(InvalidInput, match="set sample_rate_hz"):
        check(heard)
    check(heard, sample_rate_hz=RATE_HZ)
    tone(1e5, RATE_HZ, 20_000).tofile(heard.source / "b_1MSps.cf32")  # one of two is enough
    check(heard)
