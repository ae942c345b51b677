"""Finds the images or recordings of a folder, and counts what it does not take. Does not import torch."""

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.file_access.folders import check_folder
from rfuav_ray.files import TEMPORARY, is_image
from rfuav_ray.outputs.artifacts import DATASET_FILE, INFERENCE_FILES, JSONL_INDEX, RECORDINGS_INDEX
from rfuav_ray.outputs.manifest import RUN_FOLDER

#: why a file or folder is left out, and how a message says it
REASONS = {
    "other_suffix": "with other suffixes",
    "recording": "recordings: the model's config has no stft; set style, stft_points and duration_s",
    "no_rate": "data without a sample rate",
    "hidden": "hidden",
    "outside_classes": "images outside of class folders",
    "other_class": "folders of no class of the model",
    "outside_parts": "images outside of train and valid",
    "broken_link": "links that lead nowhere",
    "outside_roots": "links that lead out of DATA_ROOTS",
    "linked_again": "links to folders that are read already",
    "unreadable": "that cannot be read",
}
#: files whose absence nobody misses: of this service, of the systems of desktops, and of archives made there
COMPANIONS = frozenset(
    {
        *(DATASET_FILE, *INFERENCE_FILES, JSONL_INDEX, RECORDINGS_INDEX, RUN_FOLDER),
        *("thumbs.db", "desktop.ini", ".ds_store", "__macosx"),
    }
)
NAMES_SHOWN = 3
SUFFIXES_SHOWN = 5


@dataclass
class LeftOut:
    """Counts, by reason, what a walk did not take."""

    #: the reasons are keys of REASONS
    counts: Counter[str] = field(default_factory=Counter)
    suffixes: Counter[str] = field(default_factory=Counter)
    #: for each reason the first names, relative to the folder that was walked
    names: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, name: str) -> None:
        self.counts[reason] += 1
        if reason == "other_suffix":
            self.suffixes[Path(name).suffix.lower() or "none"] += 1
        shown = self.names.setdefault(reason, [])
        if len(shown) < NAMES_SHOWN:
            shown.append(name)

    def describe(self, folder: Path) -> str:
        """One sentence with counts and a few names; empty if nothing was left out."""
        total = self.counts.total()
        if not total:
            return ""
        files = "file or folder" if total == 1 else "files or folders"
        verb = "is" if total == 1 else "are"
        reasons = ", ".join(self._reason(reason) for reason in REASONS if self.counts[reason])
        return clean(f"{total} {files} of '{folder}' {verb} not used: {reasons}.")

    def _reason(self, reason: str) -> str:
        count = self.counts[reason]
        more = ", …" if count > len(self.names[reason]) else ""
        names = ", ".join(self.names[reason]) + more
        if reason == "other_suffix":
            kinds = ", ".join(f"{suffix} {number}" for suffix, number in self.suffixes.most_common(SUFFIXES_SHOWN))
            rest = ", …" if len(self.suffixes) > SUFFIXES_SHOWN else ""
            return f"{count} {REASONS[reason]} ({kinds}{rest}: {names})"
        return f"{count} {REASONS[reason]} ({names})"


def tell_left_out(found: Sequence[tuple[Path, LeftOut]], report: Report) -> dict[str, int]:
    """Report one WARNING about all folders, if anything was left out. Returns the counts by reason."""
    if sentences := [sentence for folder, left_out in found if (sentence := left_out.describe(folder))]:
        report(RunEvent(message=" ".join(sentences), level="WARNING"))
    return dict(sum((left_out.counts for _, left_out in found), Counter()))


def walk_images(
    folder: Path, *, roots: Sequence[Path] = (), left_out: LeftOut | None = None, below: Path | None = None
) -> Iterator[Path]:
    """Yield all images below `folder`, in no particular order; see `walk_files`."""
    return walk_files(folder, is_image, roots=roots, left_out=left_out, below=below)


def walk_files(
    folder: Path,
    is_wanted: Callable[[Path], bool],
    *,
    is_missed: Callable[[Path], bool] = lambda _: True,
    roots: Sequence[Path] = (),
    left_out: LeftOut | None = None,
    below: Path | None = None,
) -> Iterator[Path]:
    """Yield all wanted files below `folder`, in no particular order.

    Links are followed. Each real folder is read once, by its own name if it has one below `folder`: loops end.

    Args:
        folder: Where to start.
        is_wanted: Whether to yield a file. It may judge by the name alone.
        is_missed: Whether a file that is not wanted is left out; otherwise it is part of a wanted one.
        roots: Folders that links may lead into (DATA_ROOTS). None: links may lead anywhere.
        left_out: Counts what is not taken. None: a caller that wants only the first file gets it fast.
        below: The names in `left_out` are relative to it; default: `folder`.

    Raises:
        OSError: `folder` itself cannot be read, or lies outside of the roots. Folders below it that cannot be read
            are left out.
    """
    counted = LeftOut() if left_out is None else left_out
    below = below or folder
    check_folder(folder)
    # A link to a parent folder would lead into other classes, or in a circle.
    entered = {_identity(parent) for parent in folder.resolve().parents}
    waiting, linked = deque([folder]), deque[Path]()
    while waiting:
        parent = waiting.popleft()
        try:
            identity = _identity(parent)
            if identity not in entered:
                entered.add(identity)
                with os.scandir(parent) as scanned:
                    # Sorted, so that the same names are told each time.
                    for entry in scanned if left_out is None else sorted(scanned, key=lambda entry: entry.name):
                        kind = _kind(entry, roots, is_wanted, is_missed)
                        if kind == "wanted":
                            yield Path(entry.path)
                        elif kind == "folder":
                            waiting.append(Path(entry.path))
                        elif kind == "linked":
                            linked.append(Path(entry.path))
                        elif kind:
                            counted.add(kind, os.path.relpath(entry.path, below))
            elif parent.is_symlink():
                counted.add("linked_again", os.path.relpath(parent, below))
        except OSError:
            if parent == folder:
                raise
            counted.add("unreadable", os.path.relpath(parent, below))
        if not waiting and linked:
            waiting.append(linked.popleft())


def find_images(folder: Path, *, roots: Sequence[Path] = (), left_out: LeftOut | None = None) -> list[Path]:
    """Return all images below `folder`, sorted by path; see `walk_images`."""
    return sorted(walk_images(folder, roots=roots, left_out=left_out))


def is_companion(name: str) -> bool:
    """Whether leaving this file out is no loss."""
    own = name.startswith((".predictions-", "._")) or TEMPORARY.fullmatch(name) is not None
    return own or name.lower() in COMPANIONS


def obstacle(path: Path, roots: Sequence[Path]) -> str:
    """The reason in REASONS why a link may not be followed; empty if it may."""
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return "broken_link"
    return "" if not roots or any(target.is_relative_to(root) for root in roots) else "outside_roots"


def _kind(
    entry: "os.DirEntry[str]",
    roots: Sequence[Path],
    is_wanted: Callable[[Path], bool],
    is_missed: Callable[[Path], bool],
) -> str:
    """What an entry is: wanted, folder, linked (folder), a reason in REASONS, or empty for a companion."""
    if is_companion(entry.name):
        return ""
    if entry.name.startswith("."):
        return "hidden"
    is_link, path = entry.is_symlink(), Path(entry.path)
    if is_link and (reason := obstacle(path, roots)):
        return reason
    if entry.is_dir():
        return "linked" if is_link else "folder"
    if not is_wanted(path):
        return "other_suffix" if is_missed(path) else ""
    return "wanted" if entry.is_file() else "unreadable"


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino
