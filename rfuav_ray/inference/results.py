"""The result of an inference task, as clients get it."""

from typing import TypedDict


class InferenceCounts(TypedDict):
    #: images with a prediction
    images: int
    #: names of images that could not be read, at most `progress.MAX_NAMED_FAILURES`
    failed: list[str]
    failed_images: int
    #: number of images by predicted class, the most frequent first
    classes: dict[str, int]
    images_per_second: float


class InferenceResult(InferenceCounts):
    save_path: str
    predictions_csv: str
    predictions_json: str
