"""How good the nearest neighbour on coarse pixels is: a model has to beat it, and leaks make it perfect."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rfuav_ray.audit.pixels.hashes import UNREADABLE
from rfuav_ray.audit.pixels.records import Records

#: more images are drawn from
MOST_KNOWN, MOST_ASKED = 20_000, 4_000
#: with fewer images asked, the accuracy says nothing
LEAST_ASKED = 10
#: of a data set without parts, so much is train
TRAIN_SHARE = 0.8
SEED = 0
_CHUNK = 200


@dataclass(frozen=True)
class Baseline:
    #: 0 to 1
    accuracy: float
    #: accuracy of always naming the most frequent class
    chance: float
    #: images whose neighbour was looked for, and images that could be it
    asked: int
    known: int
    #: whether these are fewer than there are
    is_sample: bool
    #: whether the data set has one part, of which a random split was made
    is_split_here: bool


def nearest_neighbour(
    records: Records, parts: Sequence[int], labels: Sequence[int], tell: Callable[[float], None]
) -> Baseline | None:
    """Name each image of the later parts after its nearest neighbour in the first, in 16 x 16 grey pixels.

    Args:
        records: Those of the images.
        parts: The number of each image's part. All the same: the images are split at random.
        labels: The class of each image.
        tell: Called now and then with the fraction that is done. It may raise.

    Returns:
        None: there are too few images.
    """
    draw = np.random.default_rng(SEED)
    usable = np.flatnonzero(records.column("state") != UNREADABLE)
    numbers = np.asarray(parts)
    is_split_here = len(set(parts)) == 1
    if is_split_here:
        usable = draw.permutation(usable)
        is_known = np.arange(len(usable)) < TRAIN_SHARE * len(usable)
    else:
        is_known = numbers[usable] == 0
    known, asked = usable[is_known], usable[~is_known]
    if not len(known) or len(asked) < LEAST_ASKED:
        return None
    is_sample = len(known) > MOST_KNOWN or len(asked) > MOST_ASKED
    known, asked = (_some(images, most, draw) for images, most in ((known, MOST_KNOWN), (asked, MOST_ASKED)))
    classes = np.asarray(labels)
    named = classes[known[_nearest(_coarse(records, known), _coarse(records, asked), tell)]]
    counts = np.bincount(classes[asked])
    return Baseline(
        accuracy=float(np.mean(named == classes[asked])),
        chance=float(counts.max() / len(asked)),
        asked=len(asked),
        known=len(known),
        is_sample=is_sample,
        is_split_here=is_split_here,
    )


def _some(images: npt.NDArray[np.int64], most: int, draw: np.random.Generator) -> npt.NDArray[np.int64]:
    return images if len(images) <= most else np.sort(draw.choice(images, most, replace=False))


def _coarse(records: Records, images: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """float32, shape (images, pixels). The loop reads only the coarse pixels into memory."""
    chunks = [
        records.rows(images[first : first + _CHUNK].tolist())["coarse"].astype(np.float32)
        for first in range(0, len(images), _CHUNK)
    ]
    return np.concatenate(chunks)


def _nearest(
    known: npt.NDArray[np.float32], asked: npt.NDArray[np.float32], tell: Callable[[float], None]
) -> npt.NDArray[np.int64]:
    """For each of `asked` the number of the one in `known` with the smallest squared distance."""
    half_norms = (known**2).sum(axis=1) / 2
    nearest = []
    for first in range(0, len(asked), _CHUNK):
        tell(first / len(asked))
        nearest.append((half_norms - asked[first : first + _CHUNK] @ known.T).argmin(axis=1))
    return np.concatenate(nearest)
