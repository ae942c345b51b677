"""Requests for evaluations of models and audits of data sets."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rfuav_ray.api.requests.fields import Description, OnExisting, OwnTaskId, PathText, Priority, Request
from rfuav_ray.api.requests.model_use import ModelFiles, ModelRun, ResultsFolder
from rfuav_ray.api.requests.runs import RecordingFields

#: steps of a sweep: each one classifies the whole data set
MAX_SNR_STEPS = 101
SnrDb = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]


class SnrSweep(BaseModel):
    """In-band signal-to-noise ratios (dB) at which clean recordings are evaluated."""

    # Unknown fields are refused: a default instead of a misspelt bound would give other numbers.
    model_config = ConfigDict(frozen=True, serialize_by_alias=True, validate_by_name=True, extra="forbid")

    from_db: SnrDb = Field(-20, alias="from", description="the lowest ratio, dB")
    to_db: SnrDb = Field(20, alias="to", description="the highest ratio, dB")
    step_db: float = Field(2, alias="step", gt=0, le=200, allow_inf_nan=False, description="dB")
    bandwidth_hz: float | None = Field(
        None,
        gt=0,
        le=1e12,
        allow_inf_nan=False,
        description="the band, around the centre frequency, whose noise counts; null: the sample rate",
    )

    @model_validator(mode="after")
    def _countable(self) -> Self:
        if self.to_db < self.from_db:
            raise ValueError(f"to ({self.to_db:g}) is below from ({self.from_db:g})")
        if (self.to_db - self.from_db) / self.step_db > MAX_SNR_STEPS - 1e-9:  # may be infinite
            raise ValueError(f"from, to and step give more ratios than are evaluated, at most {MAX_SNR_STEPS}")
        return self

    @property
    def _steps(self) -> int:
        return int((self.to_db - self.from_db) / self.step_db + 1e-9) + 1

    @property
    def ratios_db(self) -> tuple[float, ...]:
        """The ratios in ascending order."""
        return tuple(round(self.from_db + number * self.step_db, 9) for number in range(self._steps))


class _LabelledData(Request):
    data_path: PathText = Field(description="labelled images or recordings, <path>/<class>/…; see `layout`")


# The fields of the last part come first.
class EvaluationRequest(RecordingFields, ModelRun, ResultsFolder, _LabelledData, ModelFiles):
    """Measure how good a model is on labelled images or recordings."""

    layout: Literal["class", "snr"] | None = Field(
        None, description="`class`: <class>/<file>; `snr`: <snr in dB>/<class>/<file>; null: found by looking"
    )
    snr_sweep: SnrSweep | None = Field(
        None, description="add noise to clean recordings, and evaluate them at each of these ratios"
    )
    group_by_recording: bool = Field(
        True, description="intervals are by recording; false: by image, as if each were a recording of its own"
    )
    unknown_path: PathText | None = Field(
        None, description="signals of no known class; null: interferers and noise are simulated where possible"
    )
    known_false_alarm: float = Field(
        0.05,
        ge=1e-6,
        lt=1,
        allow_inf_nan=False,
        description="fraction of known signals that may be called unknown",
    )
    calibrate: bool = Field(
        False, description="write temperature and threshold into a copy of model.yaml beside the report"
    )
    calibration_path: PathText | None = Field(
        None,
        description="labelled data, <path>/<class>/…, that temperature and threshold are fitted on; null: half of "
        "the recordings of data_path, and the other half measures them",
    )
    task_id: OwnTaskId = None
    priority: Priority = 3


class AuditRequest(Request):
    """Tell whether the parts of a data set share recordings, and what else makes its numbers doubtful."""

    dataset_path: PathText | None = Field(
        None, description="a data set with `train`, `valid` (or `val`) and perhaps `test`"
    )
    train_path: PathText | None = Field(None, description="with val_path, instead of dataset_path")
    val_path: PathText | None = Field(None, description="with train_path, instead of dataset_path")
    save_path: PathText | None = Field(None, description="folder for audit.json; default: results/<task_id>")
    on_existing: OnExisting = "keep"
    task_id: OwnTaskId = None
    description: Description = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        pair = (self.train_path, self.val_path)
        if (self.dataset_path is None) == (pair == (None, None)) or (self.dataset_path is None and None in pair):
            raise ValueError("set either dataset_path, or train_path and val_path")
        return self
