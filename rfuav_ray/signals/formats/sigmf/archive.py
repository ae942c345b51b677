"""SigMF archives: a tar file, `x.sigmf`, with metadata and samples. The samples are read where they are."""

import tarfile
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from rfuav_ray.errors import RunError
from rfuav_ray.file_access.bounded import BoundedReads
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.signals.description import Asked, Described, Note
from rfuav_ray.signals.formats.first_bytes import other_format, unlike
from rfuav_ray.signals.formats.kept import once_per_version
from rfuav_ray.signals.formats.sigmf.files import DATA_SUFFIX, LARGEST_METADATA_BYTES, META_SUFFIX, Content, parse
from rfuav_ray.signals.formats.sigmf.pair import describe_data
from rfuav_ray.signals.stored_samples import check_file

SUFFIXES = frozenset({".sigmf"})

_MOST_MEMBERS = 10_000
#: the headers and the metadata
LARGEST_READ_BYTES = 4 * LARGEST_METADATA_BYTES


def describe(path: Path, _asked: Asked) -> Described:
    """Describe the recording in a SigMF archive.

    Raises:
        RunError: It is no tar file, is compressed, or has no recording or several.
    """
    check_file(path)
    return _described(path)


def content_of(path: Path) -> Content:
    """The metadata in a SigMF archive. Raises RunError as `describe`."""
    return _read(path)[1]


@once_per_version(files=64)  # it is small, and the file is opened for every window
def _described(path: Path) -> Described:
    inside, content, member = _read(path)
    there_bytes = max(0, min(member.size, path.stat().st_size - member.offset_data))
    said = describe_data(inside, content, path, region=(member.offset_data, there_bytes))
    if there_bytes == member.size:
        return said
    cut = Note(f"the archive is cut off: of {member.size} bytes of samples, {there_bytes} are there")
    return replace(said, notes=(*said.notes, cut))


def _read(path: Path) -> tuple[Path, Content, tarfile.TarInfo]:
    """The metadata's path for messages, what they hold, and where the samples are."""
    try:
        with open_file(path) as opened, tarfile.open(fileobj=_bounded(opened), mode="r:") as archive:
            members = _files(path, archive)
            metadata, data = _only_pair(path, members)
            file = archive.extractfile(members[metadata])
            stored = file.read(LARGEST_METADATA_BYTES + 1) if file else b""
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        if (found := other_format(path)) is not None and "tar" not in found.name:
            raise unlike(path, "a SigMF archive, which is a tar file without compression") from error
        raise RunError(f"{path}: cannot be read as SigMF archive: {error}; pack it again.") from error
    inside = path / metadata
    return inside, parse(inside, stored), members[data]


def _bounded(file: BinaryIO) -> IO[bytes]:
    # A header of tar can state that gigabytes of names follow.
    return cast("IO[bytes]", BoundedReads(file, LARGEST_READ_BYTES))


def _files(path: Path, archive: tarfile.TarFile) -> dict[PurePosixPath, tarfile.TarInfo]:
    """The files by name. Names that lead out of the archive are ignored, and so are links."""
    found: dict[PurePosixPath, tarfile.TarInfo] = {}
    seen = 0
    while (member := _next(archive, is_first=not seen)) is not None:
        name = PurePosixPath(member.name)
        # The data of sparse members have gaps.
        if member.isfile() and not member.issparse() and not name.is_absolute() and ".." not in name.parts:
            found[name] = member
        seen += 1
        if seen > _MOST_MEMBERS:
            raise RunError(f"{path}: has more than {_MOST_MEMBERS} files; pack one recording in an archive.")
    return found


def _next(archive: tarfile.TarFile, *, is_first: bool) -> tarfile.TarInfo | None:
    try:
        return archive.next()
    except tarfile.ReadError:
        if is_first:
            raise
        return None  # the end is cut off; the members before it can be read


def _only_pair(path: Path, members: dict[PurePosixPath, tarfile.TarInfo]) -> tuple[PurePosixPath, PurePosixPath]:
    metadata = [name for name in members if name.suffix.lower() == META_SUFFIX]
    if not metadata:
        raise RunError(f"{path}: the archive has no .sigmf-meta; pack metadata and samples together.")
    if len(metadata) > 1:
        names = ", ".join(str(name) for name in sorted(metadata)[:10])
        raise RunError(f"{path}: the archive has several recordings ({names}); unpack it.")
    data = next((one for one in members if one == metadata[0].with_suffix(DATA_SUFFIX)), None)
    if data is None:
        raise RunError(f"{path}: the archive lacks {metadata[0].with_suffix(DATA_SUFFIX)}; pack it again.")
    return metadata[0], data
