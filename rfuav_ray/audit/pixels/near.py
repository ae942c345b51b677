"""Finds images that show the same picture as one of another part: re-encoded, resized, or with a little noise."""

from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from rfuav_ray.audit.pixels.hashes import READ
from rfuav_ray.audit.pixels.records import Records

#: bits of 64 in which the hashes of the same picture differ, at most, and the least correlation of their details.
#: docs/decisions/0061-verdicts-of-an-audit.md has the measurement.
MOST_BITS, LEAST_CORRELATION = 10, 0.97
#: of an image so many candidates are compared in detail, the most similar hashes first
MOST_CANDIDATES = 64


def look_alikes(
    records: Records, parts: Sequence[int], excluded: Collection[int], tell: Callable[[float], None]
) -> Iterator[tuple[int, int]]:
    """Yield pairs of images of different parts that show the same picture; with a single part, of all images.

    Each image is compared with all of the earlier parts, in memory that does not grow with the square of their
    number: 100,000 hashes take 0.8 MB, and the details stay on disk.

    Args:
        records: Those of the images.
        parts: The number of each image's part, ascending.
        excluded: Images to leave out: duplicates, which are known already.
        tell: Called after every image with the fraction that is done. It may raise.

    Yields:
        The numbers of an image and of the earlier one that is most like it.
    """
    hashes, is_read = records.column("hash"), records.column("state") == READ
    is_read[list(excluded)] = False
    numbers = np.asarray(parts)
    is_single = len(numbers) > 0 and numbers[0] == numbers[-1]
    for image in np.flatnonzero(is_read).tolist():
        tell(image / len(numbers))
        end = image if is_single else int(np.searchsorted(numbers, numbers[image]))
        if end and (other := _most_like(records, hashes, is_read, image, end)) is not None:
            yield image, other


def _most_like(
    records: Records, hashes: npt.NDArray[np.uint64], is_read: npt.NDArray[np.bool_], image: int, end: int
) -> int | None:
    """The one before `end` that shows the same picture; None if there is none."""
    bits = np.bitwise_count(hashes[:end] ^ hashes[image])
    candidates = np.flatnonzero((bits <= MOST_BITS) & is_read[:end])
    if len(candidates) > MOST_CANDIDATES:
        nearest = np.argpartition(bits[candidates], MOST_CANDIDATES)[:MOST_CANDIDATES]
        candidates = candidates[nearest]
    if not len(candidates):
        return None
    details = records.rows([image, *candidates.tolist()])["detail"].astype(np.float32)
    details /= np.linalg.norm(details, axis=1, keepdims=True)
    correlations = details[1:] @ details[0]
    best = int(correlations.argmax())
    return int(candidates[best]) if correlations[best] >= LEAST_CORRELATION else None
