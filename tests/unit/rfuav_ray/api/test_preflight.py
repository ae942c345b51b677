import pytest

from rfuav_ray.api.preflight import check_inference
from rfuav_ray.api.requests import InferenceRequest
from rfuav_ray.errors import InvalidInput
from tests.support.inference_runs import Run


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path)
    run.add_images("a.png")
    return run


def check(run):
    request = InferenceRequest(
        cfg_path=str(run.folder / "model.yaml"),
        weight_path=str(run.folder / "weights.pth"),
        source_path=str(run.source),
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
