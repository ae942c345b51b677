"""Links from metadata in one folder to samples in another, so that SigMF tools find them without a copy."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from rfuav_ray.files import replacing
from rfuav_ray.signals.formats.sigmf.files import DATA_SUFFIX
from rfuav_ray.signals.stored_samples import RawSamples, StoredSamples

#: numpy's names of SigMF's types of one value, without byte order
_VALUES = frozenset({"f4", "f8", "i4", "i2", "i1", "u4", "u2", "u1"})


@dataclass(frozen=True)
class DataLink:
    """What metadata say about the data beside them."""

    #: fields of the global object: where the samples are, or that there are none
    fields: dict[str, Any]
    #: bytes before the first sample
    header_bytes: int = 0
    #: why there is no link; None: there is one
    obstacle: str | None = None


def datatype_of(samples: StoredSamples) -> str:
    """`core:datatype` of these samples; of types that SigMF does not have, the one in which they are read."""
    kind = "c" if samples.is_complex else "r"
    if not _has_type(samples):
        return f"{kind}f32_le"
    value = np.dtype(samples.value_type)
    order = {"<": "_le", ">": "_be"}.get(value.str[0], "")
    return f"{kind}{value.kind}{8 * value.itemsize}{order}"


def link_data(metadata: Path, samples: StoredSamples) -> DataLink:
    """Put a symbolic link to the samples beside `metadata`. An earlier link is replaced, a file never.

    Data that are samples from the first byte to the last are `x.sigmf-data`. Others keep their suffix: SigMF calls
    them a non-conforming data set.

    Args:
        metadata: The metadata file `x.sigmf-meta`, whether it exists or not. Its folder is made.
        samples: The samples that it describes.

    Raises:
        OSError: An earlier link cannot be removed.
    """
    if not _has_type(samples) or samples.is_planar:
        return _without(metadata, f"SigMF cannot describe how {samples.path.name} stores its samples")
    conforming = metadata.with_suffix(DATA_SUFFIX)
    try:
        data = samples.path.resolve(strict=True)
        trailing_bytes = _trailing_bytes(data, samples)
        is_conforming = not samples.offset_bytes and not trailing_bytes
        link = conforming if is_conforming else metadata.with_suffix(_own_suffix(data))
        if link.exists() and not link.is_symlink():
            return _without(metadata, f"{link.name} is there already and no link")
        with replacing(link, flush=False) as temporary:
            temporary.symlink_to(data)
    except OSError as error:
        return _without(metadata, f"{samples.path.name} cannot be linked: {error.strerror}")
    if is_conforming:
        return DataLink({})
    _remove_link(conforming)
    fields = {"core:dataset": link.name, "core:trailing_bytes": trailing_bytes}
    return DataLink(fields, samples.offset_bytes)


def _without(metadata: Path, obstacle: str) -> DataLink:
    _remove_link(metadata.with_suffix(DATA_SUFFIX))
    return DataLink({"core:metadata_only": True}, obstacle=obstacle)


def _remove_link(path: Path) -> None:
    """Remove the link of an earlier run, which tools would take for the data."""
    if path.is_symlink():
        path.unlink()


def _has_type(samples: StoredSamples) -> TypeGuard[RawSamples]:
    return isinstance(samples, RawSamples) and np.dtype(samples.value_type).str[1:] in _VALUES


def _trailing_bytes(data: Path, samples: RawSamples) -> int:
    sample_bytes = np.dtype(samples.value_type).itemsize * (2 if samples.is_complex else 1)
    return max(0, data.stat().st_size - samples.offset_bytes - samples.sample_count * sample_bytes)


def _own_suffix(data: Path) -> str:
    """The name .sigmf-data is for conforming data."""
    return ".bin" if data.suffix.lower() in {"", DATA_SUFFIX} else data.suffix
