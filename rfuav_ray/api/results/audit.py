"""The numbers of an audit of a data set."""

from typing import Literal, final

from typing_extensions import TypedDict

from rfuav_ray.api.results.runs import RunResult


class AuditVerdict(TypedDict):
    verdict: Literal["clean", "suspicious", "leaks"]
    #: the reasons, the gravest first
    sentences: list[str]


@final
class AuditStats(AuditVerdict):
    """The `stats` of a completed audit. Counts are of images."""

    #: by part
    images: dict[str, int]
    classes: list[str]
    #: images of valid or test whose bytes are also in another part
    duplicates: int
    #: images of valid or test that look like one of another part, without the duplicates
    near_duplicates: int
    #: recordings with images in several parts
    recordings_on_both_sides: int
    #: names of classes
    classes_that_are_one_recording: list[str]
    #: 0 to 1, of the nearest neighbour in train on coarse pixels; None: too few images
    baseline_accuracy: float | None
    #: accuracy of always naming the most frequent class
    chance: float | None
    unreadable: int
    #: files that a training would ignore, by suffix
    left_out: dict[str, int]
    #: images of the largest class for each image of the smallest one, in train
    imbalance: float
    #: the first few of each finding, by its field; audit.json has more
    examples: dict[str, list[list[str]]]


@final
class AuditResult(RunResult):
    """The `result` of a completed audit task."""

    save_path: str
    stats: AuditStats
    audit_json: str
