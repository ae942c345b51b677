"""The numbers of an inference: its metrics, its result, and the content of predictions.json."""

from typing import final

from typing_extensions import TypedDict

from rfuav_ray.api.results.runs import RunResult


class InferenceMetrics(TypedDict):
    """The metrics of an inference after a batch."""

    images_per_second: float


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
    #: names of images that could not be read, at most `rfuav_ray.inference.progress.MAX_NAMED_FAILURES`
    failed: list[str]
    failed_images: int
    #: number of images by predicted class, the most frequent first
    classes: dict[str, int]
    #: files of the source that are no images, by reason (`rfuav_ray.walk.REASONS`)
    left_out: dict[str, int]


class Candidate(TypedDict):
    class_name: str
    probability: float


@final
class Prediction(TypedDict):
    """The prediction for one image."""

    #: relative to the source, with forward slashes
    file: str
    #: index and start of the frame in a recording; None for an image
    frame: int | None
    time_s: float | None
    class_name: str
    class_index: int
    #: 0 to 1
    probability: float
    #: the `rfuav_ray.inference.predictions.TOP` most likely classes, the most likely first
    top5: list[Candidate]


class Predictions(TypedDict):
    """predictions.json."""

    model: str
    predictions: list[Prediction]
