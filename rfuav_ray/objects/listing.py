"""Lists the objects below a prefix, while the caller goes on reporting."""

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, clean, one_line
from rfuav_ray.objects.access import filesystem, persistently
from rfuav_ray.objects.parallel import waiting_for
from rfuav_ray.objects.urls import ObjectUrl
from rfuav_ray.wording import NAMES_SHOWN, some

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo

#: of one input. A million names take about half a gigabyte of memory
MAX_OBJECTS = 1_000_000
#: of file systems
MAX_NAME_BYTES = 255
_CONTROLS = frozenset(map(chr, [*range(32), 127]))


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
    # pyarrow answers a question when it has the whole answer. Folder by folder, it is bounded and can be stopped.
    for one in waiting_for(lambda: _content(url), report):
        name = one.path.removeprefix(f"{url.key}/")
        is_folder = one.type.name == "Directory"
        if one.path == url.key or not _can_be_file(name):  # of keys with '//' or '..'
            odd.append(f"{name}/…" if is_folder else name)
        elif is_folder:
            folder = ObjectUrl(one.path)
            for below in waiting_for(lambda folder=folder: _content(folder, is_deep=True), report):  # type: ignore[misc]
                _sort_in(below, url, found, odd)
        else:
            _sort_in(one, url, found, odd)
        if len(found) > MAX_OBJECTS:
            raise RunError(f"'{url}' has more than {MAX_OBJECTS:,} objects. Name a smaller prefix.")
    _tell_odd(url, odd, report)
    return _without_folders(url, sorted(found, key=lambda one: one.name), report)


def first_object(url: ObjectUrl) -> str | None:
    """The name of an object at or below an address; None without any. Empty folders of consoles do not count.

    Raises:
        OSError: It cannot be looked at.
    """
    from pyarrow.fs import FileSelector  # noqa: PLC0415

    kind = filesystem().get_file_info(url.key).type.name
    if kind != "Directory":
        return url.name if kind == "File" else None
    infos = filesystem().get_file_info(FileSelector(url.key))
    if file := next((info for info in infos if info.type.name == "File"), None):
        return str(file.base_name)
    folders = [ObjectUrl(info.path) for info in infos if info.path != url.key]
    below = ((folder, first_object(folder)) for folder in folders)
    return next((f"{folder.name}/{name}" for folder, name in below if name is not None), None)


def look(url: ObjectUrl) -> "FileInfo":
    """What is at an address. Raises RunError if it cannot be looked at."""
    return persistently(lambda: filesystem().get_file_info(url.key), url, threading.Event())


def _content(folder: ObjectUrl, *, is_deep: bool = False) -> "list[FileInfo]":
    from pyarrow.fs import FileSelector  # noqa: PLC0415

    selector = FileSelector(folder.key, recursive=is_deep)
    return persistently(lambda: filesystem().get_file_info(selector), folder, threading.Event())


def _sort_in(info: "FileInfo", url: ObjectUrl, found: list[Listed], odd: list[str]) -> None:
    name = info.path.removeprefix(f"{url.key}/")
    if info.type.name == "Directory":
        return
    if _can_be_file(name):
        found.append(_entry(info, ObjectUrl(info.path), name))
    else:
        odd.append(name)


def _entry(info: "FileInfo", url: ObjectUrl, name: str) -> Listed:
    return Listed(url, name, int(info.size), int(info.mtime_ns or 0))


def _can_be_file(name: str) -> bool:
    parts = name.split("/")
    return (
        not {"", ".", ".."} & set(parts)
        # Neither XML nor every client can name them.
        and not _CONTROLS & set(name)
        and all(len(part.encode("utf-8", "replace")) <= MAX_NAME_BYTES for part in parts)
    )


def _some(names: list[str]) -> str:
    return some([one_line(name) for name in names[:NAMES_SHOWN]] + names[NAMES_SHOWN:])


def _tell_odd(url: ObjectUrl, odd: list[str], report: Report) -> None:
    if odd:
        message = (
            f"{len(odd)} objects below '{url}' are left out, because no file can have their names: {_some(odd)}."
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
        message = f"{len(both)} objects of '{url}' are left out: there are objects below them, too: {_some(both)}."
        report(RunEvent(message=clean(message), level="WARNING"))
    return [one for one in found if one.name not in folders]
