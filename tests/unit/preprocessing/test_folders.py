from preprocessing.folders import request_identity
from rfuav_ray.api.requests import SpectrogramRequest
from rfuav_ray.signals.iq_augmentation.settings import IqAugmentationFields


def test_folders_identity_of_spectrograms_without_copies_is_that_of_earlier_versions():
    request = SpectrogramRequest(input_path="/in", output_path="/out", task_id="one", description="a note")
    assert not {*IqAugmentationFields.model_fields, "task_id", "description"} & request_identity(request).keys()


def test_folders_identity_of_spectrograms_with_copies_says_how_they_are_made():
    request = SpectrogramRequest(input_path="/in", output_path="/out", iq_copies=2, iq_gain_db=3)
    identity = request_identity(request)
    assert (identity["iq_copies"], identity["iq_gain_db"]) == (2, 3)
