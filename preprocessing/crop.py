"""Crops every image of a folder to the same rectangle."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from preprocessing.pipeline.driver import Workers
from preprocessing.pipeline.produce import produce
from preprocessing.pipeline.worker import Doubtful, Item, Work, one_target, source_digest
from rfuav_ray.api.requests import ImageCropRequest
from rfuav_ray.api.results import CropResult, CropStats
from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, ignore
from rfuav_ray.file_access.roots import confined
from rfuav_ray.files import IMAGE_KINDS
from rfuav_ray.images.class_folders import refuse_unfinished
from rfuav_ray.images.files import read_pixels, write_pixels
from rfuav_ray.images.overlap import check_output
from rfuav_ray.walk import LeftOut, find_images, tell_left_out


def crop(item: Item, output: Path, *, source: Path, rectangle: tuple[int, int, int, int]) -> Doubtful:
    """Write the part of an image inside the rectangle (x, y, width, height in pixels), clipped to the image.

    Raises:
        RunError: The image is unreadable, or the rectangle lies outside it.
    """
    pixels = read_pixels(source / item.source)
    x, y, width, height = rectangle
    rows, columns = pixels.shape[:2]
    if x >= columns or y >= rows:
        raise RunError(f"the rectangle at {x}, {y} lies outside the image, which has {columns} x {rows} pixels.")
    write_pixels(output / item.target, pixels[y : y + height, x : x + width])
    return Doubtful()


@confined
def run(
    request: ImageCropRequest,
    *,
    run_id: str,
    workers: Workers,
    report: Report = ignore,
    roots: Sequence[Path] = (),
) -> CropResult:
    """Crop the images of `input_path` into the same folders below `output_path`; see `produce`.

    Links may lead into `roots`; without any they may lead anywhere.
    """
    source = Path(request.input_path)
    left_out = LeftOut()
    if source.is_file():
        root, images = source.parent, [source]
    else:
        refuse_unfinished(source, "input_path")
        check_output(source, Path(request.output_path))
        root, images = source, find_images(source, roots=roots, left_out=left_out)
    if not images:
        raise RunError(f"there is no image ({IMAGE_KINDS}) in '{source}' or below it.")
    names = [str(image.relative_to(root)) for image in images]
    rectangle = (request.x, request.y, request.width, request.height)
    return produce(
        request,
        [Item(source=name, target=name) for name in names],
        Work(
            targets=one_target,
            make=partial(crop, source=root, rectangle=rectangle),
            inputs=partial(source_digest, source=root),
            largest_block=1024,
        ),
        output_path=Path(request.output_path),
        run_id=run_id,
        workers=workers,
        report=report,
        message=f"Cropping {len(names)} images of '{source}'.",
        noun="images",
        stats_of=lambda made: CropStats(total_images=len(names), success=made.done, failed=len(made.failures)),
        left_out=tell_left_out([(source, left_out)], report),
    )
