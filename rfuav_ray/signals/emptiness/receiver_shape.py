"""Whether the spectrum of a window has the shape of a receiver without a signal."""

import numpy as np
import numpy.typing as npt

#: highest minus lowest level of a pass band: the ripple of a receiver is half of it to both sides
RIPPLE_DB = 0.6
#: the part of each side, from 0 Hz outwards, that a receiver's filter passes
_PASS_BAND = 2 / 3
#: with fewer bands a roll-off cannot be told from the edge of a signal
_FEWEST_BANDS = 12
#: the sides may differ by this part of the depth of the roll-off
_ASYMMETRY = 0.2
#: the outermost bands, and the part of the depth by which they must differ: a filter falls up to its edge
_OUTERMOST_BANDS, _FALL = 2, 0.05


def is_receivers(levels_db: npt.NDArray[np.float64], error_db: float) -> bool:
    """Tell whether a spectrum is flat, or flat with a filter's roll-off at its edges. When in doubt it is not.

    Args:
        levels_db: Shape (sides, bands): two sides, or one of a real signal. Bands are from 0 Hz outwards.
        error_db: By how much two levels of noise can differ by chance.
    """
    bands = levels_db.shape[1]
    passed = round(_PASS_BAND * bands) if bands >= _FEWEST_BANDS else bands
    pass_band, tolerance_db = levels_db[:, :passed], RIPPLE_DB + error_db
    if pass_band.max() - pass_band.min() > tolerance_db:
        return False
    depths_db = np.median(pass_band) - levels_db
    # A filter falls outwards. What rises again is a signal.
    if (np.maximum.accumulate(depths_db, axis=1) - depths_db > tolerance_db).any():
        return False
    # A filter is symmetric to 0 Hz. A signal is rarely so.
    mean_depths_db = np.maximum(depths_db.mean(axis=0), 0)
    if (np.ptp(levels_db, axis=0) > tolerance_db + _ASYMMETRY * mean_depths_db).any():
        return False
    # Beside a wide signal the noise is level. A filter has no second level.
    depth_db = mean_depths_db[-1]
    outermost = mean_depths_db[-_OUTERMOST_BANDS:]
    return bool(depth_db <= tolerance_db or np.ptp(outermost) > _FALL * depth_db + error_db)
