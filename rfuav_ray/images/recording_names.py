"""Tells from the names of images which of them show one recording."""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import PurePath

from rfuav_ray.api.requests import AUGMENTATION_METHODS

#: what an augmentation of images or of recordings (`_iq2`) adds to a name
_METHOD = re.compile(rf"(_(origin|iq\d{{1,3}}|{'|'.join(AUGMENTATION_METHODS)}))+$")
#: number of a frame within its recording: `_0003` at the end of the name, or before `.ome` and the like
_FRAME = re.compile(r"_\d+((\.[A-Za-z]\w*)*)$")
#: number of a frame, or of a copy
_BRACKETS = re.compile(r" \(\d+\)$")
#: as a name it tells nothing of the recording
_ONLY_A_NUMBER = re.compile(r"(frame|img|image)?[ _-]?(\d+|\(\d+\))", re.IGNORECASE)


def by_recording(names: Sequence[str]) -> dict[str, list[str]]:
    """Group the images of one class by recording.

    `r1_0003`, `r1 (3)` and what an augmentation made of them belong to recording r1. Images whose name is only a
    number belong to their folder. Where all names give one recording, the folders are the recordings.

    Args:
        names: Paths relative to the class folder.

    Returns:
        The names of each recording, both in the order of `names`.
    """
    paths = {name: PurePath(name).with_suffix("") for name in names}
    folders = _folders(names)
    known = set(paths.values())
    keys = {name: _recording(paths[name], folders[name], known) for name in names}
    if len(set(keys.values())) == 1 and len(set(folders.values())) > 1:
        keys = folders
    groups = defaultdict(list)
    for name in names:
        groups[keys[name]].append(name)
    return dict(groups)


def _recording(path: PurePath, folder: str, known: Collection[PurePath]) -> str:
    """The recording of an image. `path` and the `known` ones have no suffix."""
    stem = _METHOD.sub("", path.name)
    if folder and _ONLY_A_NUMBER.fullmatch(stem):
        return folder
    if not _BRACKETS.search(stem):
        return _FRAME.sub(r"\1", stem)
    base = path.with_name(_BRACKETS.sub("", stem))
    # Behind a method, or beside an image without it, ` (2)` is the number of a copy and not of a frame.
    is_copy = _METHOD.search(base.name) or base in known
    return _recording(base, folder, known) if is_copy else base.name


def _folders(names: Sequence[str]) -> dict[str, str]:
    """For each name its folder below what all names have in common; empty for none."""
    parents = [PurePath(name).parent.parts for name in names]
    common = 0
    while parents and all(len(parts) > common and parts[common] == parents[0][common] for parts in parents):
        common += 1
    return {name: parts[common] if len(parts) > common else "" for name, parts in zip(names, parents, strict=True)}
