"""The results of preprocessing. The kinds differ in their `stats`: counts of images if nothing else is said."""

from typing import Generic, TypeVar, final

from typing_extensions import TypedDict

from rfuav_ray.api.results.runs import RunResult


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


class FailedFile(TypedDict):
    #: relative to the input
    file: str
    reason: str


StatsT = TypeVar("StatsT")


@final
class Preprocessed(RunResult, Generic[StatsT]):
    """The `result` of a completed preprocessing task."""

    output_path: str
    stats: StatsT
    #: at most `preprocessing.pipeline.produce.FAILURES_IN_RESULT`
    failures: list[FailedFile]


SplitResult = Preprocessed[SplitStats]
AugmentResult = Preprocessed[AugmentStats]
CropResult = Preprocessed[CropStats]
SpectrogramResult = Preprocessed[SpectrogramStats]
