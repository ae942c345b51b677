"""What a place and a receiver do to all of one recording, beside what was sent. It says nothing of the emitter.

Two recordings of one emitter differ in it, and two pieces of one recording do not. So a classifier that is tested
on pieces of the recordings that it was trained on can know them by it.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Echo:
    """A copy of the signal that arrives later than the direct one."""

    #: after the direct one; 0.3 µs are 90 m
    delay_s: float
    #: relative to the direct one, complex: its phase is that of the detour
    amplitude: complex


@dataclass(frozen=True, kw_only=True)
class Nuisances:
    """Of one recording. The defaults are an ideal receiver in free space; `draw` says what is usual.

    The figures are usual for receivers that convert to zero frequency (RTL-SDR, HackRF, USRP B200, bladeRF)
    without calibration, at 2.4 GHz.
    """

    #: below the level that the scene would have had, 0 to 20 dB
    gain_db: float = 0.0
    #: of the receiver's own carrier at 0 Hz, relative to the root mean square of the noise: up to 1
    dc_offset: complex = 0j
    #: of the tuned frequency, up to 48 kHz: 20 ppm, a crystal without compensation
    carrier_offset_hz: float = 0.0
    #: amplification of Q relative to I, up to 1 dB
    iq_gain_db: float = 0.0
    #: from the right angle between I and Q, up to 5 degrees; with 1 dB the image is 23 dB below the signal
    iq_phase_deg: float = 0.0
    #: noise at the upper edge of the band relative to the lower edge, up to 4 dB either way
    noise_slope_db: float = 0.0
    #: fraction of the band that the receiver's filter passes: 0.8 to 1
    passband: float = 1.0
    #: of the filter within its passband, from top to bottom, up to 2 dB
    ripple_db: float = 0.0
    #: periods of the ripple over the band, 1 to 6
    ripple_periods: float = 1.0
    #: of the emitter and of each neighbour: up to 3, up to 0.4 µs late (120 m), 6 to 20 dB weaker
    echoes: tuple[Echo, ...] = ()

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Those of a usual receiver at a usual place, evenly within the bounds that stand at the fields."""
        return cls(
            gain_db=-rng.uniform(0, 20),
            dc_offset=_complex(rng, 10 ** (rng.uniform(-30, 0) / 20)),
            carrier_offset_hz=rng.uniform(-48e3, 48e3),
            iq_gain_db=rng.uniform(-1, 1),
            iq_phase_deg=rng.uniform(-5, 5),
            noise_slope_db=rng.uniform(-4, 4),
            passband=rng.uniform(0.8, 1),
            ripple_db=rng.uniform(0, 2),
            ripple_periods=rng.uniform(1, 6),
            echoes=tuple(
                Echo(rng.uniform(0, 0.4e-6), _complex(rng, 10 ** (rng.uniform(-20, -6) / 20)))
                for _ in range(rng.integers(0, 4))
            ),
        )

    @classmethod
    def of_recording(cls, seed: int) -> Self:
        """Those of one recording: the same seed gives the same ones."""
        return cls.draw(np.random.default_rng([seed, _STREAM]))


#: keeps the random numbers apart from those of a scene with the same seed
_STREAM = 0x4E75


def _complex(rng: np.random.Generator, magnitude: float) -> complex:
    return complex(magnitude * np.exp(2j * np.pi * rng.uniform()))
