"""The parts of a data set, and what their images' names say about recordings."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rfuav_ray.audit.pace import Pace
from rfuav_ray.events import Report, ignore
from rfuav_ray.images.class_folders import composed
from rfuav_ray.images.dataset_card import DatasetCard
from rfuav_ray.images.recording_names import Recordings, recordings_of


@dataclass(frozen=True)
class Part:
    """A part of a data set, such as train."""

    name: str
    path: Path
    class_names: Sequence[str]
    #: each with the index of its class
    images: Sequence[tuple[Path, int]]
    card: DatasetCard | None = None
    #: how many folders an image's path has up to its class: with `<snr>/<class>/…` two
    levels: int = 1

    def class_of(self, label: int) -> str:
        return composed(self.class_names[label])


@dataclass(frozen=True)
class ClassRecordings:
    """The recordings of one class over all parts."""

    name: str
    recordings: Recordings
    #: of each recording whose name is known, the parts that have images of it
    parts: dict[str, list[str]]
    #: images over all parts, and those whose names say nothing about their recording
    images: int
    images_of_unknown: int

    @property
    def shared(self) -> list[str]:
        """The recordings with images in several parts."""
        return [recording for recording, parts in self.parts.items() if len(parts) > 1]

    @property
    def is_one_recording(self) -> bool:
        return self.recordings.count == 1 and not self.recordings.unknown and self.images > 1

    @property
    def is_named_alike(self) -> bool:
        """Whether only names say that it is one recording. They may number scenes instead of spectrograms."""
        return self.is_one_recording and not self.recordings.are_listed


def recordings_by_class(parts: Sequence[Part], report: Report = ignore) -> list[ClassRecordings]:
    """Tell the recordings of each class, in the order of the classes' names.

    An image of the same name in two parts is of the same recording, unless its name is only a number. `report` is
    called for each class, and may raise.
    """
    names: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
    listed: defaultdict[str, set[str]] = defaultdict(set)
    for part in parts:
        for label in range(len(part.class_names)):
            name = part.class_of(label)
            names[name].setdefault(part.name, [])
            if part.card is not None:
                listed[name] |= part.card.recordings_of(name)
        prefix = len(str(part.path)) + 1
        for path, label in part.images:
            # `relative_to` takes ten times as long.
            below = str(path)[prefix:].split("/", part.levels)[-1]
            names[part.class_of(label)][part.name].append(below)
    found, pace = [], Pace(report)
    for name in sorted(names):
        pace()
        found.append(_recordings(name, names[name], listed[name]))
    return found


def _recordings(name: str, images: dict[str, list[str]], listed: set[str]) -> ClassRecordings:
    recordings = recordings_of(sorted({one for some in images.values() for one in some}), listed)
    parts: defaultdict[str, list[str]] = defaultdict(list)
    for part, some in images.items():
        for recording in sorted({recordings.of[one] for one in some} - recordings.unknown):
            parts[recording].append(part)
    unknown = sum(recordings.of[one] in recordings.unknown for some in images.values() for one in some)
    return ClassRecordings(name, recordings, dict(parts), sum(map(len, images.values())), unknown)
