"""Tells from the names of images which of them show one recording."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from rfuav_ray.api.augmentation_methods import AUGMENTATION_METHODS

#: what an augmentation of images or of recordings (`_iq2`) adds to a name
_METHOD = re.compile(rf"(_(origin|iq\d{{1,3}}|{'|'.join(AUGMENTATION_METHODS)}))+$")
#: number of a frame within its recording: `_0003` at the end of the name, or before `.ome` and the like
_FRAME = re.compile(r"_\d+((\.[A-Za-z]\w*)*)$")
#: number of a frame, or of a copy
_BRACKETS = re.compile(r" \(\d+\)$")
#: RFUAV cuts its recordings into seconds: `pack1_0-1s`, `pack1_1-2s`
_SECONDS = re.compile(r"_\d+(\.\d+)?-\d+(\.\d+)?s$")
#: as a name it tells nothing of the recording
_ONLY_A_NUMBER = re.compile(r"(frame|img|image)?[ _-]?(\d+|\(\d+\))", re.IGNORECASE)


@dataclass(frozen=True)
class Recordings:
    """What the names of the images of one class say about their recordings."""

    #: the recording of each image; an image whose name says nothing is one of its own
    of: Mapping[str, str]
    #: recordings that stand for an image whose name says nothing
    unknown: frozenset[str]
    #: whether the names or dataset.yaml tell them apart: it names them, or one has several images
    are_told: bool
    #: whether dataset.yaml names them
    are_listed: bool

    @property
    def count(self) -> int:
        """How many there are, without the unknown ones."""
        return len(set(self.of.values()) - self.unknown)


def by_recording(names: Sequence[str], listed: Collection[str] = ()) -> dict[str, list[str]]:
    """Group the images of one class by recording; see `recordings_of`.

    Returns:
        The names of each recording, both in the order of `names`.
    """
    recordings = recordings_of(names, listed)
    groups = defaultdict(list)
    for name in names:
        groups[recordings.of[name]].append(name)
    return dict(groups)


def recordings_of(names: Collection[str], listed: Collection[str] = ()) -> Recordings:
    """Tell the recordings of the images of one class.

    `r1_0003`, `r1 (3)`, `r1_3-4s` and what an augmentation made of them belong to recording r1. Images whose name
    is only a number belong to their folder. Where all names give one recording, the folders are the recordings.

    Args:
        names: Paths relative to the class folder.
        listed: What dataset.yaml says: the names of spectrograms, relative to the class folder, without their
            number. They outweigh the rules for names.
    """
    paths = {name: PurePath(name).with_suffix("") for name in names}
    folders = _folders(names)
    known = set(paths.values())
    found = {name: _listed(path, listed) for name, path in paths.items()} if listed else {}
    keys = {name: found.get(name) or _recording(paths[name], folders[name], known) for name in names}
    if len(set(keys.values())) == 1 and len(set(folders.values())) > 1:
        keys = folders
    unknown = frozenset(
        key
        for name, key in keys.items()
        if not found.get(name) and _ONLY_A_NUMBER.fullmatch(key) and not folders[name]
    )
    frames = defaultdict(set)
    for name, key in keys.items():
        frames[key].add(_METHOD.sub("", str(paths[name])))
    are_listed = any(found.values())
    has_several = any(len(some) > 1 for key, some in frames.items() if key not in unknown)
    return Recordings(keys, unknown, are_told=are_listed or has_several, are_listed=are_listed)


def _recording(path: PurePath, folder: str, known: Collection[PurePath]) -> str:
    """The recording of an image. `path` and the `known` ones have no suffix."""
    stem = _METHOD.sub("", path.name)
    if _ONLY_A_NUMBER.fullmatch(stem):
        return folder or stem
    if not _BRACKETS.search(stem):
        return _SECONDS.sub("", _FRAME.sub(r"\1", stem))
    base = path.with_name(_BRACKETS.sub("", stem))
    # Behind a method, or beside an image without it, ` (2)` is the number of a copy and not of a frame.
    is_copy = _METHOD.search(base.name) or base in known
    return _recording(base, folder, known) if is_copy else _SECONDS.sub("", base.name)


def _listed(path: PurePath, listed: Collection[str]) -> str:
    """The recording of an image that dataset.yaml names; else empty."""
    name = str(path)
    while (shorter := _BRACKETS.sub("", _METHOD.sub("", name))) != name:
        name = shorter
    target, _, number = name.rpartition("_")
    return _SECONDS.sub("", target) if number.isdecimal() and target in listed else ""


def _folders(names: Collection[str]) -> dict[str, str]:
    """For each name its folder below what all names have in common; empty for none."""
    parents = [PurePath(name).parent.parts for name in names]
    common = 0
    while parents and all(len(parts) > common and parts[common] == parents[0][common] for parts in parents):
        common += 1
    return {name: parts[common] if len(parts) > common else "" for name, parts in zip(names, parents, strict=True)}
