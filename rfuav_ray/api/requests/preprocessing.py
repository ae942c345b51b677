"""Requests for preprocessing: split, augment, crop, spectrograms."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from rfuav_ray.api.augmentation_methods import AUGMENTATION_METHODS, AugmentationMethod
from rfuav_ray.api.requests.fields import Description, OwnTaskId, PathText, RealValues, Request, Variable
from rfuav_ray.signals.data_types import DataType
from rfuav_ray.signals.iq_augmentation.settings import IqAugmentationFields
from rfuav_ray.signals.stft_settings import CenterFrequency, SampleRate, StftFields

#: below 2**53, because larger integers are not exact in JSON clients that use doubles
Seed = Annotated[int, Field(ge=0, lt=2**53, description="the same seed gives the same files")]
#: the upper bound is larger than any image
Pixels = Annotated[int, Field(ge=0, le=10**6)]


class DatasetSplitRequest(Request):
    """Copy `<input_path>/<class>/<image>` into `train/`, `valid/` and, with `val_ratio`, `test/`."""

    input_path: PathText = Field(description="class folders <path>/<class>/<image>, only read")
    output_path: PathText = Field(description="a new or empty folder")
    train_ratio: float = Field(
        0.8, ge=0.1, le=0.9, allow_inf_nan=False, description="fraction of the training set"
    )
    val_ratio: float | None = Field(
        None,
        ge=0.05,
        le=0.5,
        allow_inf_nan=False,
        description="if set, the remaining images are the test set; ratios that add up to 1 leave no test set",
    )
    seed: Seed = 42
    group_by_recording: bool | None = Field(
        None,
        description="keep frames of one recording together: `name (3).jpg`, `name_0003.png`; null: where names or "
        "dataset.yaml tell recordings apart and each class has two or more",
    )
    task_id: OwnTaskId = None
    description: Description = None

    @field_validator("val_ratio")
    @classmethod
    def _no_more_than_all(cls, val_ratio: float | None, others: ValidationInfo) -> float | None:
        """Check the sum of the ratios. Return None (two parts) when nothing is left for a test set."""
        if val_ratio is None or "train_ratio" not in others.data:
            return val_ratio
        total = val_ratio + others.data["train_ratio"]
        # A sum such as 0.7 + 0.3 equals 1 only within rounding errors.
        if total > 1 + 1e-9:
            raise ValueError(
                f"train_ratio + val_ratio is {total:g} and cannot be above 1; below 1 the rest is the test set"
            )
        return None if total > 1 - 1e-9 else val_ratio


class DataAugmentationRequest(Request):
    """Write each image of `train/` and `valid/` unchanged, and once changed by each method."""

    dataset_path: PathText = Field(description="holds `train` and/or `valid` (or `val`)")
    output_path: PathText | None = Field(None, description="a new or empty folder; default: <dataset_path>_aug")
    methods: list[AugmentationMethod] | None = Field(None, max_length=1000, description="default: all six")
    seed: Seed = 42
    task_id: OwnTaskId = None
    description: Description = None

    @property
    def chosen_methods(self) -> tuple[AugmentationMethod, ...]:
        """The requested methods in order, without duplicates."""
        return tuple(dict.fromkeys(self.methods or AUGMENTATION_METHODS))


class ImageCropRequest(Request):
    """Cut the same rectangle out of every image. It is clipped at the edges of the image."""

    input_path: PathText = Field(description="an image or a folder, searched recursively")
    output_path: PathText = Field(description="a new or empty folder")
    x: Pixels = Field(description="left edge, pixels")
    y: Pixels = Field(description="upper edge, pixels")
    width: Pixels = Field(gt=0, description="pixels")
    height: Pixels = Field(gt=0, description="pixels")
    task_id: OwnTaskId = None
    description: Description = None


class _RecordingsToImages(Request):
    input_path: PathText = Field(description="a recording or a folder of recordings, searched recursively")
    output_path: PathText = Field(description="a new or empty folder")


class SpectrogramRequest(IqAugmentationFields, StftFields, _RecordingsToImages):
    """Draw the spectrograms of IQ recordings. Recordings in `<input_path>/<class>/` make a data set."""

    # Narrower than the settings' own field: a rate that the request states wins over the recordings' own.
    sample_rate_hz: SampleRate | None = Field(  # type: ignore[assignment]
        None,
        description="wins over what recordings state; null: their own, and 100 MS/s for those that state none",
    )
    data_type: DataType | None = Field(
        None,
        description="of files without a header; null: from RFUAV's .xml, else by the convention of their suffix",
    )
    center_frequency_hz: CenterFrequency | None = Field(
        None, description="wins over what recordings state; noted in dataset.yaml"
    )
    real: RealValues = False
    variable: Variable = None
    interferers_path: PathText | None = Field(
        None, description=IqAugmentationFields.model_fields["interferers_path"].description
    )
    task_id: OwnTaskId = None
    description: Description = None
