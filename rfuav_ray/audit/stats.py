"""The numbers of an audit, and its file."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rfuav_ray.api.results import AuditStats
from rfuav_ray.audit.about_names import about_names
from rfuav_ray.audit.about_pixels import about_baseline, about_imbalance, about_look_alikes, about_unreadable
from rfuav_ray.audit.findings import Findings
from rfuav_ray.audit.parts import Part
from rfuav_ray.audit.pixels.look import Pixels
from rfuav_ray.audit.verdict import verdict_of
from rfuav_ray.events import clean
from rfuav_ray.files import write_text

#: of each finding, in the task's result and in audit.json
EXAMPLES_IN_RESULT, EXAMPLES_IN_FILE = 5, 1000

Examples = dict[str, list[list[str]]]


def stats_of(
    parts: Sequence[Part], findings: Findings, pixels: Pixels, left_out: dict[str, int]
) -> tuple[AuditStats, Examples]:
    """The numbers with a few examples, and more examples for the file."""
    counted = {part.name: len(part.images) for part in parts}
    later = len(pixels.numbers) if len(parts) == 1 else sum(counted.values()) - counted[parts[0].name]
    # With several parts, the second of a pair may lie outside of the first part, too.
    alike = {
        image
        for pair in pixels.look_alikes
        for image in (pair[:1] if len(parts) == 1 else pair)
        if len(parts) == 1 or pixels.numbers[image]
    }
    examples = _examples(parts, findings, pixels)
    imbalance = _imbalance(parts[0])
    pair = " and ".join(examples["near_duplicates"][0]) if examples["near_duplicates"] else ""
    sentences = [
        *about_names(findings),
        *about_look_alikes(len(alike), later, pair, findings),
        *about_baseline(pixels.baseline, findings),
        *about_imbalance(imbalance),
        *about_unreadable(pixels.unreadable, sum(counted.values())),
    ]
    stats: AuditStats = {
        **verdict_of(sentences),
        "images": counted,
        "classes": [clean(one.name) for one in findings.classes],
        "duplicates": findings.duplicate_count,
        "near_duplicates": len(alike),
        "recordings_on_both_sides": len(findings.shared),
        "classes_that_are_one_recording": [clean(name) for name in findings.one_recording],
        "baseline_accuracy": pixels.baseline.accuracy if pixels.baseline else None,
        "chance": pixels.baseline.chance if pixels.baseline else None,
        "unreadable": pixels.unreadable,
        "left_out": left_out,
        "imbalance": imbalance,
        "examples": {field: some[:EXAMPLES_IN_RESULT] for field, some in examples.items()},
    }
    return stats, examples


def write_audit(path: Path, stats: AuditStats, examples: Examples, findings: Findings) -> None:
    """Write audit.json: the numbers, more examples, and for each class what its recordings are."""
    classes = {
        clean(one.name): {
            "images": one.images,
            "recordings": one.recordings.count,
            "told_by": "dataset.yaml"
            if one.recordings.are_listed
            else "names"
            if one.recordings.are_told
            else None,
            "images_of_unknown_recordings": one.images_of_unknown,
        }
        for one in findings.classes
    }
    content = {**stats, "examples": examples, "by_class": classes}
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


def _examples(parts: Sequence[Part], findings: Findings, pixels: Pixels) -> Examples:
    shared = [
        [f"{one.name}/{recording}", *one.parts[recording]] for one in findings.classes for recording in one.shared
    ]
    return {
        "duplicates": [
            [_name(parts[number], path) for number, path in group]
            for group in findings.duplicates[:EXAMPLES_IN_FILE]
        ],
        "near_duplicates": [
            [_name(parts[pixels.numbers[image]], pixels.images[image]) for image in pair]
            for pair in pixels.look_alikes[:EXAMPLES_IN_FILE]
        ],
        "recordings_on_both_sides": [list(map(clean, one)) for one in shared[:EXAMPLES_IN_FILE]],
        "unreadable": [[one["file"], one["reason"]] for one in pixels.unreadable_files],
    }


def _name(part: Part, path: Path) -> str:
    return clean(f"{part.name}/{path.relative_to(part.path)}")


def _imbalance(part: Part) -> float:
    counts = Counter(label for _, label in part.images)
    return max(counts.values()) / min(counts.values())
