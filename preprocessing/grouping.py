"""Decides whether a split keeps the images of a recording together, and says so."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.images.dataset_card import DatasetCard, read_card
from rfuav_ray.images.recording_names import Recordings, recordings_of

NAMES_SHOWN = 3


def groups_of(
    names_of_class: Mapping[str, Sequence[str]], source: Path, wanted: bool | None, report: Report
) -> dict[str, Mapping[str, str]]:
    """For each class the group of each image, which a split does not part.

    Args:
        names_of_class: The images, relative to the folder of their class.
        source: The folder of the classes. Its dataset.yaml, or that of its parent, may name recordings.
        wanted: Whether images of a recording are grouped. None: they are, if names or dataset.yaml tell recordings
            apart and each class has two or more.
        report: Receives what was decided if `wanted` is None.
    """
    if wanted is False:
        return {name: _alone(names) for name, names in names_of_class.items()}
    card = _card_of(source, report)
    recordings = {
        name: recordings_of(names, card.recordings_of(name) if card else ())
        for name, names in names_of_class.items()
    }
    if wanted is None:
        report(_decision(recordings))
        if _single(recordings):
            return {name: _alone(names) for name, names in names_of_class.items()}
    # Where names tell nothing, a group is an image with what an augmentation made of it.
    return {name: one.of for name, one in recordings.items()}


def _single(recordings: Mapping[str, Recordings]) -> list[str]:
    """The classes that are one recording."""
    return [name for name, one in recordings.items() if len(set(one.of.values())) < 2]


def _decision(recordings: Mapping[str, Recordings]) -> RunEvent:
    if not any(one.are_told for one in recordings.values()):
        message = (
            "The names do not tell recordings apart, so images are split at random. Those of one recording may "
            "get into several parts. Name images by recording (r1_0003.png), or give each a folder in its class."
        )
        return RunEvent(message=message)
    if single := _single(recordings):
        shown = ", ".join(single[:NAMES_SHOWN]) + ("" if len(single) <= NAMES_SHOWN else ", …")
        message = (
            f"The images are split at random, because {len(single)} of {len(recordings)} classes are one "
            f"recording each ({shown}). The split leaks: an accuracy on it says nothing about generalisation. "
            "Record these classes again."
        )
        return RunEvent(message=clean(message), level="WARNING")
    is_listed = any(one.are_listed for one in recordings.values())
    total = sum(len(set(one.of.values())) for one in recordings.values())
    source = "dataset.yaml tells" if is_listed else "the names tell"
    message = f"The images of a recording stay together: {source} {total} recordings apart (group_by_recording)."
    return RunEvent(message=message)


def _alone(names: Sequence[str]) -> dict[str, str]:
    return {name: name for name in names}


def _card_of(source: Path, report: Report) -> DatasetCard | None:
    try:
        return read_card(source, report)
    except RunError as error:
        report(RunEvent(message=clean(f"Recordings are told by names alone: {error}"), level="WARNING"))
        return None
