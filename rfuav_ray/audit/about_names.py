"""What the names and bytes of images say about recordings, in sentences."""

from rfuav_ray.audit.findings import Findings, Sentence, are, images
from rfuav_ray.audit.parts import ClassRecordings
from rfuav_ray.wording import some

NAMES_SHOWN = 3


def about_names(findings: Findings) -> list[Sentence]:
    """Sentences about recordings and duplicates. There is always at least one."""
    return _about_a_split(findings) if len(findings.parts) > 1 else _about_one_part(findings)


def _about_a_split(findings: Findings) -> list[Sentence]:
    first, *others = findings.parts
    rest = " and ".join(others)
    sentences: list[Sentence] = []
    if count := findings.duplicate_count:
        names = some(
            [path.name for group in findings.duplicates for number, path in group if number > 0], NAMES_SHOWN
        )
        sentences.append(
            ("leaks", f"{images(count)} of {rest} {are(count)} in another part, too, byte for byte: {names}.")
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
                f"({some(shared, NAMES_SHOWN)}): the accuracy is partly that on recordings that the model knows.",
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
                f"These classes are one recording each: {some(one_recording, NAMES_SHOWN)}. No split can tell how "
                "well a model knows them from another recording.",
            )
        )
    sentences += _untold(findings, "Whether a split would put a recording on both sides is not known")
    if count := findings.duplicate_count:
        names = some([group[1][1].name for group in findings.duplicates], NAMES_SHOWN)
        sentences.append(
            (
                "suspicious",
                f"{images(count)} {are(count)} there more than once, byte for byte: {names}. A random split "
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
    shared = f": {', '.join(findings.parts)} share them" if findings.shared else ""
    return (
        f"By the images' names, {what}{shared}. If the numbers in the names count recordings, put each recording "
        "into a folder of its own in its class, or change what stands before the number (r1_0003.png)."
    )


def _untold(findings: Findings, what: str) -> list[Sentence]:
    untold = findings.untold
    if not untold:
        return []
    whose = "names" if len(untold) == len(findings.classes) else f"names of {some(untold, NAMES_SHOWN)}"
    advice = "Name images by recording (r1_0003.png), or put each recording into a folder of its class."
    return [("suspicious", f"{what}: the {whose} do not tell recordings apart. {advice}")]


def _count_in(part: str, one: ClassRecordings) -> int:
    return sum(part in parts for parts in one.parts.values())


def _source(findings: Findings) -> str:
    is_listed = any(one.recordings.are_listed for one in findings.classes)
    return "as dataset.yaml says" if is_listed else "as the images' names say"
