"""Functions that runs and the checks at submission share. Imports no Ray Data and no torch."""

from pathlib import Path
from typing import Any

from rfuav_ray.api.requests import PreprocessingRequest, SpectrogramRequest
from rfuav_ray.signals.iq_augmentation.settings import IqAugmentationFields
from rfuav_ray.signals.stft_settings import StftFields, StftSettings


def request_identity(request: PreprocessingRequest) -> dict[str, Any]:
    """The fields of a request that determine which files are made."""
    excluded = {"task_id", "description"}
    if isinstance(request, SpectrogramRequest) and not request.iq_copies:
        # Without copies they change nothing, and folders of earlier versions do not note them.
        excluded |= set(IqAugmentationFields.model_fields)
    return request.model_dump(mode="json", exclude=excluded)


def default_output(dataset_path: Path) -> Path:
    """The folder for augmented images if the request names none."""
    return dataset_path.with_name(f"{dataset_path.name}_aug")


def stft_settings_of(request: SpectrogramRequest) -> StftSettings:
    """The STFT settings of a request. Raises pydantic's ValidationError if its fields contradict each other."""
    fields = request.model_dump(include=set(StftFields.model_fields))
    if fields["sample_rate_hz"] is None:
        del fields["sample_rate_hz"]  # the default is for recordings that do not state theirs
    return StftSettings.model_validate(fields)
