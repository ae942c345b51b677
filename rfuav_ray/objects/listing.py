"""Lists the objects below a prefix, folder by folder, while the caller goes on reporting."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.objects.access import filesystem, why
from rfuav_ray.objects.urls import ObjectUrl
from rfuav_ray.wording import some

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo

Result = TypeVar("Result")

#: of one input. A million names take about half a gigabyte of memory
MAX_OBJECTS = 1_000_000
#: of file systems
MAX_NAME_BYTES = 255
REPORT_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing shows it."""

    url: ObjectUrl
    #: relative to the listed prefix
    name: str
    size: int
    #: of its last change; many services state whole seconds
    mtime_ns: int


def listed(url: ObjectUrl, report: Report) -> list[Listed]:
    """All objects below a prefix, or the object itself, in the order of their names.

    Args:
        url: The prefix or the object.
        report: May raise to stop. Gets a WARNING about objects that cannot be files.

    Raises:
        RunError: It does not exist, cannot be read, or has more than MAX_OBJECTS objects.
    """
    info = waiting_for(lambda: look(url), report)
    if info.type.name == "File":
        return [_entry(info, url, url.name)]
    if info.type.name == "NotFound":
        raise RunError(f"'{url}' is not there any more.")
    found: list[Listed] = []
    odd: list[str] = []
    folders = [url]
    while folders:
        for one in waiting_for(lambda folder=folders.pop(): _content(folder), report):  # type: ignore[misc]
            name = one.path.removeprefix(f"{url.key}/")
            if not _can_be_file(name):
                odd.append(name)
            elif one.type.name == "Directory":
                folders.append(ObjectUrl(one.path))
            else:
                found.append(_entry(one, ObjectUrl(one.path), name))
        if len(found) > MAX_OBJECTS:
            raise RunError(f"'{url}' has more than {MAX_OBJECTS:,} objects. Name a smaller prefix.")
    _tell_odd(url, odd, report)
    return _without_folders(url, sorted(found, key=lambda one: one.name), report)


def look(url: ObjectUrl) -> "FileInfo":
    """What is at an address. Raises RunError if it cannot be looked at."""
    try:
        return filesystem().get_file_info(url.key)
    except OSError as error:
        raise RunError(why(error, url)) from None


def waiting_for(function: Callable[[], Result], report: Report) -> Result:
    """Call a function in a thread, and report meanwhile, which may raise. Its exception is raised here."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    # A daemon: pyarrow's calls cannot be stopped, and must not hold up the end of a cancelled run.
    thread = threading.Thread(target=call, name="objects", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(REPORT_EVERY_S)
        report(RunEvent())
    if errors:
        raise errors[0]
    return results[0]


def _content(folder: ObjectUrl) -> "Iterator[FileInfo]":
    from pyarrow.fs import FileSelector  # noqa: PLC0415

    try:
        return iter(filesystem().get_file_info(FileSelector(folder.key)))
    except OSError as error:
        raise RunError(why(error, folder)) from None


def _entry(info: "FileInfo", url: ObjectUrl, name: str) -> Listed:
    return Listed(url, name, int(info.size), int(info.mtime_ns or 0))


def _can_be_file(name: str) -> bool:
    parts = name.split("/")
    return (
        not {"", ".", ".."} & set(parts)
        and "\0" not in name
        and all(len(part.encode("utf-8", "replace")) <= MAX_NAME_BYTES for part in parts)
    )


def _tell_odd(url: ObjectUrl, odd: list[str], report: Report) -> None:
    if odd:
        message = (
            f"{len(odd)} objects below '{url}' are left out, because no file can have their names: {some(odd)}."
        )
        report(RunEvent(message=clean(message), level="WARNING"))


def _without_folders(url: ObjectUrl, found: list[Listed], report: Report) -> list[Listed]:
    """Without objects whose name is also that of a folder: `a` beside `a/b`."""
    folders = {
        "/".join(parts[:depth])
        for one in found
        for parts in [one.name.split("/")]
        for depth in range(1, len(parts))
    }
    both = [one.name for one in found if one.name in folders]
    if both:
        message = f"{len(both)} objects of '{url}' are left out: there are objects below them, too: {some(both)}."
        report(RunEvent(message=clean(message), level="WARNING"))
    return [one for one in found if one.name not in folders]
