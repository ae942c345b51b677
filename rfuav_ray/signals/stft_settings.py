"""The settings of a spectrogram: one definition for requests, the command line and the code that draws."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: JPEG's limit, in pixels
LARGEST_SIDE = 65_535
#: width and height in pixels of what RFUAV's tool writes: matplotlib's figure of 6.4 by 4.8 inches at 300 dpi
RFUAV_CANVAS = (1920, 1440)

#: `rfuav`: the image that RFUAV's own tool writes; `peak`: what this service drew before version 0.3
Style = Literal["rfuav", "peak"]
#: samples per second
SampleRate = Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)]

#: any radio frequency; 0 and below are those of a baseband
CenterFrequency = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
#: more than any number format can hold
Level = Annotated[float, Field(ge=-10_000, le=10_000, allow_inf_nan=False)]


class StftFields(BaseModel):
    """The fields alone, each with its bounds. `StftSettings` also checks whether they fit together."""

    style: Annotated[
        Style,
        Field(
            description="`rfuav`: the image that RFUAV's own tool writes; `peak`: a peak detector in other "
            "colours, which keeps short bursts"
        ),
    ] = "rfuav"
    sample_rate_hz: Annotated[SampleRate, Field(description="of recordings that do not state theirs")] = 100e6
    stft_points: Annotated[int, Field(ge=16, le=65536, description="samples per STFT window")] = 1024
    window: Annotated[
        Literal["hamming", "hann", "blackman", "boxcar"], Field(description="shape of the STFT window")
    ] = "hamming"
    window_overlap: Annotated[
        float, Field(ge=0, le=0.95, description="fraction of an STFT window that the next one repeats")
    ] = 0.5
    duration_s: Annotated[
        float, Field(gt=0, le=3600, description="seconds of the recording in one spectrogram")
    ] = 0.1
    overlap: Annotated[
        float, Field(ge=0, le=0.9, description="fraction of a spectrogram that the next one repeats")
    ] = 0.0
    image_size: Annotated[
        Annotated[int, Field(ge=32, le=4096)] | None,
        Field(
            description="pixels per side; null: 1920 by 1440, with `peak` one for each STFT column and frequency"
        ),
    ] = 640
    colormap: Annotated[
        Literal["jet", "turbo", "viridis", "gray"], Field(description="colours from the weakest to the strongest")
    ] = "jet"
    db_range: Annotated[
        tuple[Level, Level] | None,
        Field(
            description="lowest and highest colour on RFUAV's scale, 10*log10|Z|, where 0 is a full-scale tone; "
            "null: the range of each spectrogram"
        ),
    ] = None


class StftSettings(StftFields):
    """How samples become a spectrogram. The defaults are RFUAV's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="after")
    def _fits(self) -> "StftSettings":
        if self.samples_per_spectrogram < self.stft_points:
            raise ValueError(
                f"duration_s: a spectrogram of {self.duration_s} s at {self.sample_rate_hz:g} samples/s has "
                f"{self.samples_per_spectrogram} samples, fewer than stft_points ({self.stft_points})"
            )
        columns = self.columns(self.samples_per_spectrogram)
        if self.style == "peak" and self.image_size is None and columns > LARGEST_SIDE:
            raise ValueError(f"image_size: set one, {columns} STFT columns are too many for pixels")
        if self.db_range and not self.db_range[0] < self.db_range[1]:
            raise ValueError("db_range: the first value must be lower than the second")
        return self

    def at_rate(self, sample_rate_hz: float | None) -> "StftSettings":
        """The settings for a recording with this sample rate. None: it states none, so theirs applies."""
        return self if sample_rate_hz is None else self.model_copy(update={"sample_rate_hz": sample_rate_hz})

    @property
    def samples_per_spectrogram(self) -> int:
        return round(self.duration_s * self.sample_rate_hz)

    @property
    def samples_between_spectrograms(self) -> int:
        """Samples from the start of one spectrogram to the start of the next."""
        return max(1, round(self.samples_per_spectrogram * (1 - self.overlap)))

    @property
    def hop(self) -> int:
        """Samples from one STFT column to the next."""
        return max(1, round(self.stft_points * (1 - self.window_overlap)))

    @property
    def zeros_before(self) -> int:
        """Zeros before the first and at least after the last sample: scipy.signal.stft's boundary="zeros"."""
        return self.stft_points // 2 if self.style == "rfuav" else 0

    def columns(self, sample_count: int) -> int:
        """STFT columns of that many samples.

        In the style `peak` only whole STFT windows count. In the style `rfuav` zeros surround the samples and fill
        the last window, as scipy.signal.stft's defaults do.
        """
        spare = sample_count + 2 * self.zeros_before - self.stft_points
        steps = -(-spare // self.hop) if self.style == "rfuav" else spare // self.hop
        return max(0, 1 + steps)
