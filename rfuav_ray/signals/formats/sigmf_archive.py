"""SigMF archives: a tar file, `x.sigmf`, with metadata and samples. The samples are read where they are."""

import tarfile
import tempfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

from rfuav_ray.errors import RunError
from rfuav_ray.signals.description import Asked, Described, Note
from rfuav_ray.signals.formats import sigmf
from rfuav_ray.signals.formats.first_bytes import other_format, unlike
from rfuav_ray.signals.stored_samples import RawSamples, check_file

SUFFIXES = frozenset({".sigmf"})

_META_SUFFIX, _DATA_SUFFIX = ".sigmf-meta", ".sigmf-data"
_LARGEST_METADATA_BYTES = 10_000_000
_MOST_MEMBERS = 10_000


def describe(path: Path, _asked: Asked) -> Described:
    """Describe the recording in a SigMF archive.

    Raises:
        RunError: It is no tar file, is compressed, or has no recording or several.
    """
    check_file(path)
    status = path.stat()
    return _describe_version(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)  # it is small, and the file is opened for every window
def _describe_version(path: Path, _changed_ns: int, size_bytes: int) -> Described:
    try:
        with tarfile.open(path, "r:") as archive:
            members = _files(path, archive)
            metadata, data = _only_pair(path, members)
            file = archive.extractfile(members[metadata])
            content = file.read(_LARGEST_METADATA_BYTES) if file else b""
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        if (found := other_format(path)) is not None and "tar" not in found.name:
            raise unlike(path, "a SigMF archive, which is a tar file without compression") from error
        raise RunError(f"{path}: cannot be read as SigMF archive: {error}; pack it again.") from error
    member = members[data]
    there_bytes = min(member.size, size_bytes - member.offset_data)
    said = _describe_pair(path, metadata.name, content, data.name, there_bytes)
    if not isinstance(said.samples, RawSamples):  # SigMF has no other kind
        raise TypeError(type(said.samples))
    samples = replace(said.samples, path=path, offset_bytes=member.offset_data + said.samples.offset_bytes)
    notes = said.notes
    if there_bytes < member.size:
        notes += (Note(f"the archive is cut off: of {member.size} bytes of samples, {there_bytes} are there"),)
    return replace(said, samples=samples, notes=notes)


def _files(path: Path, archive: tarfile.TarFile) -> dict[PurePosixPath, tarfile.TarInfo]:
    """The files by name. Names that lead out of the archive are ignored, and so are links."""
    found: dict[PurePosixPath, tarfile.TarInfo] = {}
    while (member := _next(archive, is_first=not found)) is not None:
        name = PurePosixPath(member.name)
        # The data of sparse members have gaps.
        if member.isfile() and not member.issparse() and not name.is_absolute() and ".." not in name.parts:
            found[name] = member
        if len(found) > _MOST_MEMBERS:
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
    metadata = [name for name in members if name.suffix.lower() == _META_SUFFIX]
    if not metadata:
        raise RunError(f"{path}: the archive has no .sigmf-meta; pack metadata and samples together.")
    if len(metadata) > 1:
        names = ", ".join(str(name) for name in sorted(metadata)[:10])
        raise RunError(f"{path}: the archive has several recordings ({names}); unpack it.")
    data = next((one for one in members if one == metadata[0].with_suffix(_DATA_SUFFIX)), None)
    if data is None:
        raise RunError(f"{path}: the archive lacks {metadata[0].with_suffix(_DATA_SUFFIX)}; pack it again.")
    return metadata[0], data


def _describe_pair(path: Path, metadata_name: str, metadata: bytes, data_name: str, data_bytes: int) -> Described:
    """What the metadata say about data of this length. `sigmf` reads files, so it gets a file without contents."""
    with tempfile.TemporaryDirectory(prefix="sigmf-") as folder:
        pair = Path(folder)
        (pair / metadata_name).write_bytes(metadata)
        with (pair / data_name).open("wb") as file:
            file.truncate(data_bytes)
        try:
            return sigmf.describe(pair / metadata_name, Asked())
        except RunError as error:
            raise RunError(str(error).replace(folder, str(path))) from error
