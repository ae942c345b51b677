"""Listing a folder, for users who choose a path for a request."""

import os
from collections.abc import Sequence
from heapq import nsmallest
from pathlib import Path

from rfuav_ray import paths
from rfuav_ray.api.responses import FolderEntry, FolderResponse
from rfuav_ray.errors import InvalidInput
from rfuav_ray.files import is_text
from rfuav_ray.walk import obstacle

MAX_ENTRIES = 2000


def list_folder(text: str, roots: Sequence[Path]) -> FolderResponse:
    """List at most MAX_ENTRIES entries of a folder by name, folders first. Lists the roots when `text` is empty.

    Leaves out hidden entries, names that are not UTF-8, and links that lead nowhere or out of the roots.

    Raises:
        PathNotAllowed: The folder lies outside all roots.
        InvalidInput: `path` is not a readable folder.
    """
    if not text:
        entries = [FolderEntry(name=str(root), path=str(root), kind="folder", size_bytes=None) for root in roots]
        return FolderResponse(path=None, parent=None, entries=entries, is_complete=True)
    folder = paths.existing(text, roots, field="path")
    if not folder.is_dir():
        raise InvalidInput("path", f"'{folder}' is a file, not a folder.")
    try:
        with os.scandir(folder) as found:
            shown = [entry for entry in (_entry(one, roots) for one in found) if entry is not None]
    except OSError as error:  # deleted since the check
        raise InvalidInput("path", f"'{folder}' cannot be read: {error.strerror}.") from None
    entries = nsmallest(MAX_ENTRIES, shown, key=lambda entry: (entry.kind != "folder", entry.name.lower()))
    parent = None if folder in roots else str(folder.parent)
    return FolderResponse(path=str(folder), parent=parent, entries=entries, is_complete=len(entries) == len(shown))


def _entry(found: "os.DirEntry[str]", roots: Sequence[Path]) -> FolderEntry | None:
    if found.name.startswith(".") or not is_text(found.path):
        return None
    if found.is_symlink() and obstacle(Path(found.path), roots):
        return None
    try:
        if found.is_dir():
            return FolderEntry(name=found.name, path=found.path, kind="folder", size_bytes=None)
        return FolderEntry(name=found.name, path=found.path, kind="file", size_bytes=found.stat().st_size)
    except OSError:  # a broken link, or deleted since the scan
        return None
