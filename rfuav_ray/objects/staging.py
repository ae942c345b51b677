"""The inputs of a run that are in buckets, as local folders and files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rfuav_ray.errors import RunError
from rfuav_ray.events import Report
from rfuav_ray.file_access.limits import MAX_CARD_BYTES
from rfuav_ray.objects.access import ObjectSettings
from rfuav_ray.objects.cache import ObjectCache
from rfuav_ray.objects.copying import Copying
from rfuav_ray.objects.listing import Listed, listed, look
from rfuav_ray.objects.parallel import waiting_for
from rfuav_ray.objects.scratch import forget
from rfuav_ray.objects.urls import ObjectUrl, allowed_url, is_allowed
from rfuav_ray.outputs.artifacts import DATASET_FILE
from rfuav_ray.outputs.manifest import RUN_FILE, RUN_FOLDER

#: what a data set's folder says about those below it may lie above the one that a request names
FILES_ABOVE, LEVELS_ABOVE = (DATASET_FILE, f"{RUN_FOLDER}/{RUN_FILE}"), 2
#: between a task's id and the number of a worker
WORKER = "~"


@dataclass(frozen=True)
class Staged:
    #: the folder of all copies
    folder: Path
    #: local paths by the fields of the request
    paths: Mapping[str, str]
    #: URLs by local paths, for messages
    names: Mapping[str, str]


@contextmanager
def staged(urls: Mapping[str, str], run_id: str, settings: ObjectSettings, report: Report) -> Iterator[Staged]:
    """A block in which the objects of a run are local files.

    Args:
        urls: The addresses by the fields of the request.
        run_id: Names the folder: the task's id, and `~1` for its second worker. A later run has the same one.
        settings: The buckets that may be used, and the cache.
        report: Receives the progress. It may raise to stop.

    Raises:
        RunError: An object cannot be copied, or they do not fit into the cache.
        Exception: Whatever `report` raises.
    """
    cache = ObjectCache(settings.cache_dir, settings.cache_bytes)
    forget(settings.cache_dir)
    with cache.tree(run_id, report) as tree:
        copying = Copying(cache, tree, report)
        paths, names = {}, {}
        wanted: list[tuple[str, Listed]] = []
        for field, text in urls.items():
            url = allowed_url(text, settings.roots, field)
            # With the names of the folders above, which say where a data set's card belongs.
            above = url.key.split("/")[1:][-1 - LEVELS_ABOVE :] or [url.bucket]
            place = Path(field, *above)
            objects = listed(url, report)
            if not objects:
                raise RunError(f"there is no object below '{url}'.")
            is_one = len(objects) == 1 and objects[0].url == url
            wanted += [(str(place if is_one else place / one.name), one) for one in objects]
            wanted += _above(url, place, settings, report)
            paths[field] = str(tree.folder / place)
            names[paths[field]] = str(url)
            for depth, folder in enumerate(place.parents):
                if depth < len(above) - 1:
                    names[str(tree.folder / folder)] = f"s3://{'/'.join(url.key.split('/')[: -1 - depth])}"
        with cache.alone(run_id.partition(WORKER)[0], report):
            copying.bring(wanted, " and ".join(f"'{url}'" for url in urls.values()))
        yield Staged(tree.folder, paths, names)


def _above(url: ObjectUrl, place: Path, settings: ObjectSettings, report: Report) -> Iterator[tuple[str, Listed]]:
    """A data set's card, and the mark of one that is unfinished, in the folders above."""
    parts = url.key.split("/")
    for depth in range(1, min(LEVELS_ABOVE, len(parts) - 1, len(place.parts) - 1) + 1):
        for name in FILES_ABOVE:
            file = ObjectUrl("/".join([*parts[:-depth], name]))
            if not is_allowed(file, settings.roots):
                return
            info = waiting_for(lambda file=file: look(file), report)  # type: ignore[misc]
            if info.type.name == "File" and info.size <= MAX_CARD_BYTES:
                one = Listed(file, name, int(info.size), int(info.mtime_ns or 0))
                yield str(Path(*place.parts[:-depth], name)), one
