"""The quick part of an audit: recordings told by names, and files with the same bytes. Decodes nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rfuav_ray.api.results import AuditVerdict
from rfuav_ray.audit.about_names import about_names
from rfuav_ray.audit.duplicates import same_bytes
from rfuav_ray.audit.findings import Findings
from rfuav_ray.audit.pace import Pace
from rfuav_ray.audit.parts import Part, recordings_by_class
from rfuav_ray.audit.verdict import verdict_of
from rfuav_ray.events import Report, ignore
from rfuav_ray.images.class_folders import class_folders, labelled_images
from rfuav_ray.images.dataset_card import read_card

TRAIN = "train"


def quick_audit(
    train_path: Path, others: Mapping[str, Path], report: Report = ignore, roots: Sequence[Path] = ()
) -> AuditVerdict:
    """Tell whether training images and others share recordings or files. Takes seconds for 100,000 images.

    Args:
        train_path: Images in class folders.
        others: More of them, by the name of the part, such as valid.
        report: Called several times a second, and with a WARNING for each dataset.yaml that is not used. It may
            raise.
        roots: Folders that links may lead into. None: anywhere.

    Raises:
        InvalidInput: A folder cannot be used. The error names the part as its field.
        RunError: A dataset.yaml cannot be read.
        OSError: A folder cannot be read.
    """
    folders = {TRAIN: train_path, **others}
    return audit_names([part_of(name, path, report, roots) for name, path in folders.items()], report)


def part_of(name: str, path: Path, report: Report = ignore, roots: Sequence[Path] = ()) -> Part:
    """The images in class folders, as a part with this name. Raises as `quick_audit`."""
    class_names = class_folders(path, field=name, roots=roots)
    images = labelled_images(path, class_names, roots=roots, tell=Pace(report))
    return Part(name, path, class_names, images, read_card(path, report))


def audit_names(parts: Sequence[Part], report: Report = ignore) -> AuditVerdict:
    """The same for images that have been found already. The first part is that of the training."""
    return verdict_of(about_names(names_and_bytes(parts, report)))


def names_and_bytes(parts: Sequence[Part], report: Report) -> Findings:
    """What the names and bytes say, for a verdict."""
    recordings = recordings_by_class(parts, report)
    return Findings(recordings, same_bytes(parts, report), [part.name for part in parts])
