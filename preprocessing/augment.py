"""Augments training images: keeps each original and adds one changed image for each of up to six methods."""

import os
import sys
import zlib
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from preprocessing.folders import default_output
from preprocessing.pipeline.driver import Workers
from preprocessing.pipeline.produce import produce
from preprocessing.pipeline.worker import Doubtful, Item, Work, source_digest
from rfuav_ray.api.requests import AugmentationMethod, DataAugmentationRequest
from rfuav_ray.api.results import AugmentResult, AugmentStats
from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, ignore
from rfuav_ray.file_access.roots import confined
from rfuav_ray.files import write_content
from rfuav_ray.images.class_folders import class_folders, labelled_images
from rfuav_ray.images.dataset_card import dataset_file_of
from rfuav_ray.images.dataset_parts import AUGMENTED_PARTS, TEST, beside_the_parts, parts_of
from rfuav_ray.images.files import RgbImage, read_checked, write_image
from rfuav_ray.images.overlap import check_output
from rfuav_ray.outputs.artifacts import DATASET_FILE
from rfuav_ray.walk import LeftOut, tell_left_out


def change(image: RgbImage, method: AugmentationMethod, seed: int) -> RgbImage:
    """Change an RGB image, uint8 (height, width, 3), by one method. The same seed gives the same pixels."""
    transform = transform_of(method)
    transform.set_random_seed(seed)
    return np.asarray(transform(image=image)["image"], dtype=np.uint8)


@cache
def transform_of(method: AugmentationMethod) -> Any:
    """The Albumentations object of a method, always the same one."""
    # Imported below because it takes a second. Without this setting it would look for updates over the network.
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    # None makes the import of this part fail. It would load PyTorch (500 MB), and Albumentations works without it.
    sys.modules.setdefault("albumentations.pytorch", None)  # type: ignore[arg-type]
    import albumentations  # noqa: PLC0415

    arguments: dict[AugmentationMethod, dict[str, Any]] = {
        "AdvancedBlur": {
            "blur_limit": (7, 13),
            "sigma_x_limit": (7, 13),
            "sigma_y_limit": (7, 13),
            "rotate_limit": (-90, 90),
            "beta_limit": (0.5, 8),
            "noise_limit": (2, 10),
        },
        "CLAHE": {"clip_limit": 3, "tile_grid_size": (13, 13)},
        "ColorJitter": {"brightness": (0.5, 1.5), "contrast": (1, 1), "saturation": (1, 1), "hue": (0, 0)},
        # A variance of 100 to 500 for pixel values 0..255.
        "GaussNoise": {"std_range": (100**0.5 / 255, 500**0.5 / 255)},
        "ISONoise": {"intensity": (0.2, 0.5), "color_shift": (0.01, 0.05)},
        "Sharpen": {"alpha": (0.2, 0.5), "lightness": (0.5, 1)},
    }
    return getattr(albumentations, method)(**arguments[method], p=1)


def augment(
    item: Item, output: Path, *, source: Path, methods: Sequence[AugmentationMethod], seed: int
) -> Doubtful:
    """Copy the original and write a changed image for each method. Raises RunError if the image is unreadable."""
    content, image = read_checked(source / item.source)
    target = Path(item.target)
    for method in methods:
        # The seed depends on the name, not on the order of work, so that any worker makes the same image.
        own_seed = zlib.crc32(f"{seed} {method} {item.source}".encode("utf-8", "surrogateescape"))
        write_image(output / _named(target, method), change(image, method, own_seed))
    write_content(output / _named(target, "origin"), content)
    return Doubtful()


@confined
def run(
    request: DataAugmentationRequest,
    *,
    run_id: str,
    workers: Workers,
    report: Report = ignore,
    roots: Sequence[Path] = (),
) -> AugmentResult:
    """Augment the parts of `dataset_path` into `output_path`; see `produce`. Also raises InvalidInput.

    Links may lead into `roots`; without any they may lead anywhere.
    """
    source = Path(request.dataset_path)
    output_path = Path(request.output_path or default_output(source))
    check_output(source, output_path)
    methods = request.chosen_methods
    found = parts_of(source, AUGMENTED_PARTS, roots)
    if not found:
        raise RunError(f"'{source}' has neither a folder train nor valid.")
    if (source / TEST).is_dir():
        report(RunEvent(message=f"'{TEST}' is skipped: only train and valid are augmented."))
    class_names: set[str] = set()
    items: list[Item] = []
    left_out = [(source, beside_the_parts(source, found, roots))]
    for part in found:
        names = class_folders(source / part, field="dataset_path", roots=roots)
        class_names.update(names)
        left_out.append((source / part, LeftOut()))
        for path, _ in labelled_images(source / part, names, roots=roots, left_out=left_out[-1][1]):
            name = str(path.relative_to(source))
            items.append(Item(source=name, target=name))
    cards = {
        f"{part}/{DATASET_FILE}".removeprefix("./"): text
        for part in (".", *found)
        if (text := dataset_file_of(source / part, report)) is not None
    }
    return produce(
        request,
        items,
        Work(
            targets=partial(_targets, methods=methods),
            make=partial(augment, source=source, methods=methods, seed=request.seed),
            inputs=partial(source_digest, source=source),
            largest_block=128,
        ),
        output_path=output_path,
        run_id=run_id,
        workers=workers,
        report=report,
        message=f"Augmenting {len(items)} images of {' and '.join(found)} by {', '.join(methods)}.",
        noun="images",
        stats_of=lambda made: AugmentStats(
            original_images=len(items),
            augmented_images=made.done * len(methods),
            methods_used=len(methods),
            classes=sorted(class_names),
            failed=len(made.failures),
        ),
        cards=cards,
        left_out=tell_left_out(left_out, report),
    )


def _targets(item: Item, *, methods: Sequence[AugmentationMethod]) -> list[str]:
    return [str(_named(Path(item.target), what)) for what in (*methods, "origin")]


def _named(path: Path, what: str) -> Path:
    return path.with_name(f"{path.stem}_{what}{path.suffix}")
