"""The numbers of an inference: its metrics, its result, and the content of its JSON files."""

from typing import Any, NotRequired, final

from typing_extensions import TypedDict

from rfuav_ray.api.results.runs import RunResult


class InferenceMetrics(TypedDict):
    """The metrics of an inference after a batch."""

    #: images, and windows of recordings
    images_per_second: float
    #: seconds of recordings for each second of work; missing without recordings
    real_time_factor: NotRequired[float]


@final
class RecordingTotals(TypedDict):
    """What an inference says about all its recordings together."""

    #: recordings that could be read
    recordings: int
    failed_recordings: int
    duration_s: float
    windows: int
    #: windows in which nothing is on the air
    empty_windows: int
    #: windows that could not be read
    failed_windows: int
    #: recordings by the class of their verdict, the most frequent first
    verdicts: dict[str, int]
    #: recordings whose verdict is unknown
    unknown: int
    #: seconds of recordings for each second of work; None if this run did none
    real_time_factor: float | None
    recordings_json: str
    #: SigMF metadata files that were written
    annotations: int


@final
class InferenceResult(InferenceMetrics, RunResult):
    """The `result` of a completed inference task."""

    save_path: str
    #: name of the model
    model: str
    #: `config` or `sorted`: whose order numbers the classes
    class_order: str
    predictions_csv: str
    predictions_json: str
    predictions_jsonl: str
    #: images with a prediction
    images: int
    #: names of images and recordings that could not be read, at most
    #: `rfuav_ray.inference.progress.MAX_NAMED_FAILURES`
    failed: list[str]
    failed_images: int
    #: number of images and windows by predicted class, the most frequent first
    classes: dict[str, int]
    #: files of the source that are not classified, by reason (`rfuav_ray.walk.REASONS`)
    left_out: dict[str, int]
    #: missing without recordings
    recordings: NotRequired[RecordingTotals]


class Candidate(TypedDict):
    class_name: str
    probability: float


@final
class Prediction(TypedDict):
    """The prediction for one image, or for one window of a recording."""

    #: relative to the source, with forward slashes
    file: str
    #: index and start of the window in a recording; None for an image
    frame: int | None
    time_s: float | None
    #: None, and the next two: nothing is on the air in this window
    class_name: str | None
    class_index: int | None
    #: 0 to 1
    probability: float | None
    #: the `rfuav_ray.inference.results.predictions.TOP` most likely classes, the most likely first
    top5: list[Candidate]
    #: whether it is probably none of the model's classes; None: the model has no threshold
    unknown: bool | None


class Predictions(TypedDict):
    """predictions.json."""

    model: str
    predictions: list[Prediction]


class Segment(TypedDict):
    """Neighbouring windows of one class."""

    start_s: float
    end_s: float
    class_name: str
    #: mean over its windows
    probability: float


class Verdict(TypedDict):
    """What a recording is, as a whole."""

    class_name: str
    #: mean over the windows in which something is on the air
    probability: float
    #: fraction of all windows whose likeliest class it is
    share: float
    #: whether most of these windows are unknown; None: the model has no threshold
    unknown: bool | None


@final
class RecordingPrediction(TypedDict):
    """What an inference says about one recording."""

    file: str
    duration_s: float
    #: of the recording, before any resampling
    sample_rate_hz: float
    center_frequency_hz: float | None
    #: how its windows were drawn: `rfuav_ray.signals.stft_settings.StftSettings`, at the rate that the model saw
    stft: dict[str, Any]
    windows: int
    empty_windows: int
    failed_windows: int
    #: samples that were NaN or infinite and count as 0; windows that overlap count them twice
    bad_samples: int
    #: number of its first row in the predictions, and how many it has there
    first_row: int
    rows: int
    #: None: nothing is on the air, or no window could be read
    verdict: Verdict | None
    segments: list[Segment]
    #: seconds of the recording for each second of work; None if this run did none
    real_time_factor: float | None
    #: name of its SigMF metadata in save_path; None without
    annotations: str | None


class RecordingPredictions(TypedDict):
    """recordings.json."""

    model: str
    recordings: list[RecordingPrediction]
