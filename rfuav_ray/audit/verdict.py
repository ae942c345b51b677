"""Judges what an audit has found: a verdict, and the sentences for it, the gravest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rfuav_ray.api.results import AuditVerdict
from rfuav_ray.audit.duplicates import File
from rfuav_ray.audit.parts import ClassRecordings
from rfuav_ray.events import clean

NAMES_SHOWN = 3

Verdict = Literal["clean", "suspicious", "leaks"]
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


def verdict_of(findings: Findings, more: Sequence[Sentence] = ()) -> AuditVerdict:
    """Judge the findings.

    Args:
        findings: What the names and bytes say.
        more: What the pixels say.
    """
    is_split = len(findings.parts) > 1
    about_names = _about_a_split(findings) if is_split else _about_one_part(findings)
    sentences = [*about_names, *more]
    grave: tuple[Verdict, ...] = ("leaks", "suspicious", "clean")
    sentences.sort(key=lambda one: grave.index(one[0]))
    return {"verdict": sentences[0][0], "sentences": [clean(text) for _, text in sentences]}


def _about_a_split(findings: Findings) -> list[Sentence]:
    first, *others = findings.parts
    rest = " and ".join(others)
    sentences: list[Sentence] = []
    if count := findings.duplicate_count:
        names = some([path.name for group in findings.duplicates for number, path in group if number > 0])
        sentences.append(
            ("leaks", f"{_images(count)} of {rest} {_are(count)} in another part, too, byte for byte: {names}.")
        )
    if findings.are_named_alike:
        sentences.append(("suspicious", _named_alike(findings)))
    elif shared := findings.shared:
        total = sum(one.recordings.count for one in findings.classes)
        verb = "has" if len(shared) == 1 else "have"
        sentences.append(
            (
                "leaks",
                f"{len(shared)} of {total} recordings {verb} images in several of {first}, {rest} "
                f"({some(shared)}): the accuracy is partly that on recordings that the model knows.",
            )
        )
    elif not findings.untold and all(_count_in(first, one) == 1 for one in findings.classes):
        sentences.append(
            (
                "suspicious",
                f"In {first} each class is one recording: a model can learn the receiver and the place instead of "
                "the class.",
            )
        )
    sentences += _untold(findings, f"Whether {rest} shares recordings with {first} is not known")
    if not sentences:
        total = sum(one.recordings.count for one in findings.classes)
        sentences.append(
            ("clean", f"No recording is in several of {first}, {rest}; there are {total}, {_source(findings)}.")
        )
    return sentences


def _about_one_part(findings: Findings) -> list[Sentence]:
    sentences: list[Sentence] = []
    one_recording = findings.one_recording
    if one_recording and len(one_recording) == len(findings.classes):
        sentences.append(("suspicious", _named_alike(findings)))
    elif one_recording:
        sentences.append(
            (
                "suspicious",
                f"These classes are one recording each: {some(one_recording)}. No split can tell how well a model "
                "knows them from another recording.",
            )
        )
    sentences += _untold(findings, "Whether a split would put a recording on both sides is not known")
    if count := findings.duplicate_count:
        names = some([group[1][1].name for group in findings.duplicates])
        sentences.append(
            (
                "suspicious",
                f"{_images(count)} {_are(count)} there more than once, byte for byte: {names}. A random split "
                "would put them on both sides.",
            )
        )
    if not sentences:
        total = sum(one.recordings.count for one in findings.classes)
        sentences.append(
            ("clean", f"There are {total} recordings, {_source(findings)}: split them with group_by_recording.")
        )
    return sentences


def _named_alike(findings: Findings) -> str:
    what = "each class is one recording, and a random split says nothing about generalisation"
    if any(one.recordings.are_listed for one in findings.classes):
        return f"As dataset.yaml says, {what}."
    shared = f" {' and '.join(findings.parts)} share them, then." if findings.shared else ""
    return (
        f"By the images' names, {what}.{shared} If the numbers in the names count recordings, put each recording "
        "into a folder of its own in its class, or change what stands before the number (r1_0003.png)."
    )


def _untold(findings: Findings, what: str) -> list[Sentence]:
    untold = findings.untold
    if not untold:
        return []
    whose = "names" if len(untold) == len(findings.classes) else f"names of {some(untold)}"
    advice = "Name images by recording (r1_0003.png), or put each recording into a folder of its class."
    return [("suspicious", f"{what}: the {whose} do not tell recordings apart. {advice}")]


def _count_in(part: str, one: ClassRecordings) -> int:
    return sum(part in parts for parts in one.parts.values())


def _source(findings: Findings) -> str:
    is_listed = any(one.recordings.are_listed for one in findings.classes)
    return "as dataset.yaml says" if is_listed else "as the images' names say"


def some(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
