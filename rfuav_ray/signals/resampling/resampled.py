"""A recording at a lower sample rate: low-passed and decimated while it is read, in constant memory."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from rfuav_ray.errors import RunError
from rfuav_ray.signals.computed_samples import ComputedSamples
from rfuav_ray.signals.description import Capture
from rfuav_ray.signals.recordings import Mask, Recording
from rfuav_ray.signals.resampling.low_pass import low_pass
from rfuav_ray.signals.stored_samples import Samples

#: Makes the ratio of usual rates exact (100 to 2.048 MS/s: 64/3125). Of any two rates it is within 6e-5, as good
#: as the clocks of cheap receivers.
_LARGEST_DENOMINATOR = 10_000
#: bounds the length of the filter: some 100 samples of the result
_LOWEST_RATIO = Fraction(1, 1000)
#: of the original, in one batch of FFTs: 2 MB of complex64 stay in the processor's cache
_BATCH_SAMPLES = 2**18


def resampled(recording: Recording, sample_rate_hz: float) -> Recording:
    """The same recording at a lower sample rate. Its first sample stays the first. No sample is read yet.

    Frequencies up to 0.9 of the new Nyquist frequency stay as they are. What lies beyond the new Nyquist frequency
    falls below -60 dB. A real signal stays real.

    Args:
        recording: The recording.
        sample_rate_hz: The new rate. If the ratio of the rates is no fraction with a denominator up to 10,000, the
            nearest such fraction is taken, and the result states the rate that it then has. If that fraction is 1,
            the recording itself is the result.

    Raises:
        RunError: The recording's rate is not known, not higher, or more than 1000 times higher.
    """
    own_hz = recording.sample_rate_hz
    if own_hz is None:
        raise RunError(
            f"{recording.path}: its sample rate is not known, so it cannot be resampled to "
            f"{sample_rate_hz:.10g} samples/s; state sample_rate_hz."
        )
    if not 0 < sample_rate_hz < own_hz:
        raise RunError(
            f"{recording.path}: its {own_hz:.10g} samples/s cannot become {sample_rate_hz:.10g} samples/s, only a "
            "lower rate. Record at a higher rate, or correct sample_rate_hz."
        )
    ratio = (Fraction(sample_rate_hz) / Fraction(own_hz)).limit_denominator(_LARGEST_DENOMINATOR)
    if ratio < _LOWEST_RATIO:
        raise RunError(
            f"{recording.path}: its {own_hz:.10g} samples/s are more than {1 / _LOWEST_RATIO} times "
            f"{sample_rate_hz:.10g} samples/s. Record at a lower rate, or correct sample_rate_hz."
        )
    if ratio == 1:
        return recording
    up, down = ratio.numerator, ratio.denominator
    return replace(
        recording,
        sample_rate_hz=float(Fraction(own_hz) * ratio),
        samples=ResampledSamples(recording, up, down),
        captures=tuple(
            Capture(-(-one.first_sample * up // down), one.center_frequency_hz) for one in recording.captures
        ),
    )


def original_sample(recording: Recording, sample: int) -> int:
    """The sample of the original recording at the time of this one, or the last before that time.

    Args:
        recording: A result of `resampled`. Any other recording is its own original.
        sample: May also be the end of a range. Beyond the original's last sample it gives its `sample_count`.
    """
    samples = recording.samples
    if not isinstance(samples, ResampledSamples):
        return sample
    return min(sample * samples.down // samples.up, samples.original.sample_count)


@dataclass(frozen=True)
class ResampledSamples(ComputedSamples):
    """The samples of `original` at up/down of its rate. Sample k lies at the original's sample k * down / up.

    The original counts as 0 before its first and after its last sample, and where it is NaN or infinite. The
    sample nearest to such a one is NaN, so that whoever reads counts it.
    """

    up: int
    down: int

    @property
    def sample_count(self) -> int:
        """The last sample lies at the original's last one, or before it."""
        return (self.original.sample_count - 1) * self.up // self.down + 1

    def computed(self, start: int, count: int) -> Samples:
        """As `ComputedSamples.computed`.

        The FFTs have fixed places in the recording, so a sample is the same in whatever range it is read.
        """
        design = low_pass(self.up, self.down)
        first, end = start // design.kept_out, -(-(start + count) // design.kept_out)
        batch = max(1, _BATCH_SAMPLES // design.fft_in)
        made = [self._made(fft, min(batch, end - fft)) for fft in range(first, end, batch)]
        samples = np.concatenate([np.empty(0, np.complex64), *made])
        return samples[start - first * design.kept_out :][:count]

    def _made(self, first: int, ffts: int) -> Samples:
        """The results of some FFTs, one after the other."""
        design = low_pass(self.up, self.down)
        start_in, start_out = first * design.kept_in - design.margin_in, first * design.kept_out
        samples, finite = self._between_zeros(start_in, design.samples_in(ffts))
        made = design.decimated(samples)
        bad = start_in + np.flatnonzero(~finite)
        nearest = (2 * bad * self.up + self.down) // (2 * self.down)  # bad * up / down, rounded
        nearest = np.minimum(nearest, self.sample_count - 1) - start_out
        made[nearest[(nearest >= 0) & (nearest < len(made))]] = np.nan
        return made

    def _between_zeros(self, start: int, count: int) -> tuple[Samples, Mask]:
        """`Recording.read_checked` of the original, with zeros before and after it."""
        first, end = max(start, 0), min(start + count, self.original.sample_count)
        samples, finite = self.original.read_checked(first, end - first)
        around = (first - start, start + count - end)
        return np.pad(samples, around), np.pad(finite, around, constant_values=True)
