"""The results of preprocessing. The kinds differ in their `stats`: counts of images if nothing else is said."""

from typing import Generic, NotRequired, TypeVar, final

from typing_extensions import TypedDict

from rfuav_ray.api.results.runs import FailedFile, RunResult


class SplitStats(TypedDict):
    total_images: int
    train_images: int
    val_images: int
    test_images: int
    classes: list[str]
    failed: int


class AugmentStats(TypedDict):
    original_images: int
    augmented_images: int
    #: how many methods
    methods_used: int
    classes: list[str]
    failed: int


class CropStats(TypedDict):
    total_images: int
    success: int
    failed: int


class SpectrogramStats(TypedDict):
    recordings: int
    #: spectrograms
    pictures: int
    #: recordings of which at least a part could not be drawn
    failed: int
    classes: list[str]


StatsT = TypeVar("StatsT")


@final
class Preprocessed(RunResult, Generic[StatsT]):
    """The `result` of a completed preprocessing task."""

    output_path: str
    stats: StatsT
    #: at most `preprocessing.pipeline.produce.FAILURES_IN_RESULT`, relative to the input
    failures: list[FailedFile]
    #: how many files the input has that no image was made of, by reason (`rfuav_ray.walk.REASONS`)
    left_out: NotRequired[dict[str, int]]


SplitResult = Preprocessed[SplitStats]
AugmentResult = Preprocessed[AugmentStats]
CropResult = Preprocessed[CropStats]
SpectrogramResult = Preprocessed[SpectrogramStats]
