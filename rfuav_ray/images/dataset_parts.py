"""The parts of a data set: `train`, `valid` (or `val`) and `test`, each with class folders."""

from collections.abc import Sequence
from pathlib import Path

from rfuav_ray.file_access.folders import check_folder
from rfuav_ray.files import is_image
from rfuav_ray.walk import LeftOut, is_companion, obstacle, walk_images

TRAIN, TEST = "train", "test"
#: the parts that are augmented
AUGMENTED_PARTS = (TRAIN, "valid", "val")
ALL_PARTS = (*AUGMENTED_PARTS, TEST)


def parts_of(dataset_path: Path, names: Sequence[str] = ALL_PARTS, roots: Sequence[Path] = ()) -> list[str]:
    """The named parts that a data set has. A link counts if it leads into `roots`; none: wherever it leads."""
    return [name for name in names if (path := dataset_path / name).is_dir() and not obstacle(path, roots)]


def beside_the_parts(source: Path, found: Sequence[str], roots: Sequence[Path] = ()) -> LeftOut:
    """What lies in the data set, but not in the parts that were found. The test set is told apart."""
    check_folder(source)
    left_out = LeftOut()
    for path in sorted(source.iterdir()):
        if path.name in (*found, TEST) or is_companion(path.name):
            continue
        if path.name.startswith("."):
            left_out.add("hidden", path.name)
        elif reason := obstacle(path, roots):
            left_out.add(reason, path.name)
        elif path.is_dir():
            for image in walk_images(path, roots=roots):
                left_out.add("outside_parts", str(image.relative_to(source)))
        else:
            left_out.add("outside_parts" if is_image(path) else "other_suffix", path.name)
    return left_out
