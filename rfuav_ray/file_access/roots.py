"""The folders that this process may open files in (DATA_ROOTS), and where an open file really lies.

They belong to the process, not to a thread: the threads of a run open files, too. A process of the service has
them from its start (`confine`). A notebook has none, and opens what its user may open.
"""

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, wraps
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

#: where Linux says what a descriptor is; other systems do not have it
DESCRIPTORS = "/proc/self/fd"


class OutsideRoots(OSError):
    """A file lies outside of the roots: a link leads there. The errno is that of a link that is not followed."""

    def __str__(self) -> str:
        return str(self.strerror)


class _Confinement:
    #: empty: everything is allowed
    roots: tuple[Path, ...] = ()
    #: what the service keeps for itself, also below the roots
    private: tuple[Path, ...] = ()


def confine(roots: Sequence[Path] = (), private: Sequence[Path] = ()) -> None:
    """Let this process open files below `roots` only, from now on. No roots change nothing.

    Args:
        roots: DATA_ROOTS.
        private: Files and folders of the service itself, to which no request leads, even below a root.
    """
    if roots:
        _Confinement.roots = tuple(roots)
    if private:
        _Confinement.private = tuple(dict.fromkeys(each for path in private for each in (path, path.resolve())))


def roots_of_process() -> tuple[Path, ...]:
    return _Confinement.roots


@contextmanager
def within(roots: Sequence[Path]) -> Iterator[None]:
    """A block in which this process opens files below `roots` only. No roots change nothing."""
    before = _Confinement.roots, _Confinement.private
    confine(roots)
    try:
        yield
    finally:
        _Confinement.roots, _Confinement.private = before


def confined(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Let a function open files only below its keyword argument `roots`."""

    @wraps(function)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with within(cast("Sequence[Path]", kwargs.get("roots", ()))):
            return function(*args, **kwargs)

    return call


def private_paths() -> tuple[Path, ...]:
    return _Confinement.private


def is_private(path: Path) -> bool:
    """Whether a path without links is the service's own."""
    return _is_own(str(path))


def require_inside(place: str, path: Path) -> None:
    """Raise OutsideRoots, about `path`, if a place without links is outside of the roots or the service's own."""
    if _Confinement.roots and not _lies_in(place, _real(_Confinement.roots)):
        raise OutsideRoots(errno.ELOOP, "a link leads out of DATA_ROOTS", os.fspath(path))
    if _is_own(place):
        raise OutsideRoots(errno.ELOOP, "it belongs to the service itself", os.fspath(path))


def _is_own(place: str) -> bool:
    # API_KEYS may be in a `.env` of the folder where the service was started, which is the default of DATA_ROOTS.
    return place.endswith("/.env") or _lies_in(place, map(str, _Confinement.private))


def _lies_in(place: str, folders: Iterable[str]) -> bool:
    return any(place == folder or place.startswith(f"{folder.rstrip('/')}/") for folder in folders)


def place_of(descriptor: int, path: Path) -> str:
    """Where an open file lies, without links. `path` is what was opened."""
    try:
        return os.readlink(f"{DESCRIPTORS}/{descriptor}")  # noqa: PTH115  # a Path takes ten times as long
    except OSError:  # no /proc
        place = os.path.realpath(path)
        if not os.path.samestat(Path(place).stat(), os.fstat(descriptor)):
            raise OutsideRoots(errno.ELOOP, "it was replaced while it was opened", os.fspath(path)) from None
        return place


@lru_cache(maxsize=16)
def _real(roots: tuple[Path, ...]) -> tuple[str, ...]:
    """The roots, and where they lead on this node, which may be another one than that of the settings.

    A root in another one stays as it is: who may write in the outer one could replace it by a link.
    """
    outer = [root for root in roots if not any(root != other and root.is_relative_to(other) for other in roots)]
    return tuple(dict.fromkeys(str(root) for root in (*roots, *(root.resolve() for root in outer))))
