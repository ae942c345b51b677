"""What an audit has found in the names and bytes of images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rfuav_ray.audit.duplicates import File
from rfuav_ray.audit.parts import ClassRecordings

Verdict = Literal["clean", "suspicious", "leaks"]
#: a sentence of a verdict, and how grave what it says is
Sentence = tuple[Verdict, str]


@dataclass(frozen=True)
class Findings:
    """What the names and bytes of the images say."""

    classes: Sequence[ClassRecordings]
    #: groups of files with the same bytes
    duplicates: Sequence[Sequence[File]]
    #: the parts' names; the first one is that of the training
    parts: Sequence[str]

    @property
    def shared(self) -> list[str]:
        """The recordings on both sides, as `class/recording`."""
        return [f"{one.name}/{recording}" for one in self.classes for recording in one.shared]

    @property
    def one_recording(self) -> list[str]:
        return [one.name for one in self.classes if one.is_one_recording]

    @property
    def are_named_alike(self) -> bool:
        """Whether in no class a name says more than the class and a number."""
        return bool(self.classes) and all(one.is_named_alike for one in self.classes)

    @property
    def untold(self) -> list[str]:
        """The classes whose recordings cannot be told."""
        told = any(one.recordings.are_told for one in self.classes)
        return [one.name for one in self.classes if not told or one.recordings.unknown]

    @property
    def duplicate_count(self) -> int:
        """Images outside of the first part that are in another part, too; in a single part, the spare ones."""
        if len(self.parts) == 1:
            return sum(len(group) - 1 for group in self.duplicates)
        return sum(number > 0 for group in self.duplicates for number, _ in group)


def images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"


def are(count: int) -> str:
    return "is" if count == 1 else "are"
