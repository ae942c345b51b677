"""Plans of too many spectrograms, or of more than the disk holds, are refused before anything is drawn."""

import shutil

import pytest

from preprocessing import spectrogram
from preprocessing.checks import MAX_RECORDINGS_CHECKED, check_preprocessing
from preprocessing.pipeline.driver import Workers
from preprocessing.spectrogram_plan import LEAST_BYTES_PER_VALUE, MAX_SPECTROGRAMS, check_plan
from rfuav_ray.api.requests import SpectrogramRequest
from rfuav_ray.errors import InvalidInput
from rfuav_ray.signals.stft_settings import StftSettings

SETTINGS = StftSettings(sample_rate_hz=1e6, stft_points=16, duration_s=16e-6, image_size=32)
#: of SETTINGS, int8: one column of 16 frequencies
BYTES_PER_SPECTROGRAM = 32


@pytest.fixture
def request_of(tmp_path):
    """The request to draw recordings of these lengths. Their files have no content, whatever their length."""

    def make(*spectrograms):
        (tmp_path / "in").mkdir()
        for number, count in enumerate(spectrograms):
            with (tmp_path / "in" / f"{number}.bin").open("wb") as file:
                file.truncate(count * BYTES_PER_SPECTROGRAM)
        paths = {"input_path": str(tmp_path / "in"), "output_path": str(tmp_path / "out"), "data_type": "int8"}
        return SpectrogramRequest(**SETTINGS.model_dump() | paths)

    return make


def refusal(call):
    with pytest.raises(InvalidInput) as refused:
        call()
    return refused.value


def test_spectrogram_plan_a_million_of_all_recordings_are_drawn_and_not_one_more(tmp_path):
    check_plan([(SETTINGS, MAX_SPECTROGRAMS - 1), (SETTINGS, 1)], tmp_path / "out")
    refused = refusal(lambda: check_plan([(SETTINGS, MAX_SPECTROGRAMS), (SETTINGS, 1)], tmp_path / "out"))
    assert refused.field == "duration_s"
    for word in ("1,000,001", "1,000,000", "duration_s", "overlap", "in parts"):
        assert word in refused.reason


def test_spectrogram_plan_too_many_are_refused_at_submission(request_of, tmp_path):
    request = request_of(600_000, 500_000)
    refused = refusal(lambda: check_preprocessing(request, roots=[tmp_path]))
    assert refused.field == "duration_s" and "1,100,000 spectrograms" in refused.reason
    check_preprocessing(request.model_copy(update={"duration_s": 32e-6}), roots=[tmp_path])


def test_spectrogram_plan_what_only_the_run_sees_fails_before_anything_is_written(request_of, tmp_path):
    request = request_of(1_000_000, *[1] * MAX_RECORDINGS_CHECKED)
    check_preprocessing(request, roots=[tmp_path])
    refused = refusal(lambda: spectrogram.run(request, run_id="task", workers=Workers(1, 1)))
    assert refused.field == "duration_s" and "1,000,020 spectrograms" in refused.reason
    assert not (tmp_path / "out").exists()


def test_spectrogram_plan_more_bytes_than_the_disk_has_are_refused(tmp_path):
    # So large that the disk of the test is full before there are a million.
    large = SETTINGS.model_copy(
        update={"style": "peak", "stft_points": 65536, "image_size": None, "duration_s": 1000}
    )
    values = 65536 * large.columns(large.samples_per_spectrogram)
    that_fit = shutil.disk_usage(tmp_path).free / (values * LEAST_BYTES_PER_VALUE)
    check_plan([(large, int(that_fit / 2))], tmp_path / "out")
    refused = refusal(lambda: check_plan([(large, int(that_fit * 2) + 1)], tmp_path / "deep" / "out"))
    assert refused.field == "output_path"
    for word in ("spectrograms take at least", "GB free", f"'{tmp_path}/deep/out'", "another disk", "image_size"):
        assert word in refused.reason


@pytest.mark.parametrize("image_size", [None, 4096])
def test_spectrogram_plan_pixels_between_the_values_take_no_bytes(tmp_path, image_size):
    settings = SETTINGS.model_copy(update={"image_size": image_size})
    check_plan([(settings, MAX_SPECTROGRAMS)], tmp_path / "out")


def test_spectrogram_plan_a_run_that_resumes_is_not_held_up_by_what_it_has_written(tmp_path):
    (tmp_path / "0_00000.png").touch()
    check_plan([(SETTINGS, 10**12)], tmp_path)
