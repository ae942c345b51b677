"""The settings of IQ augmentation: one definition for requests, the command line and the code that augments."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_COPIES = 100
Ratio = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]
_CHANGES = ("iq_snr_db", "iq_time_shift", "iq_frequency_shift_hz", "iq_gain_db", "interferers_path")


class IqAugmentationFields(BaseModel):
    """The fields alone, each with its bounds. `IqAugmentation` also checks whether they fit together."""

    iq_copies: Annotated[
        int,
        Field(ge=0, le=MAX_COPIES, description="changed copies of each recording, beside the unchanged one"),
    ] = 0
    iq_snr_db: Annotated[
        tuple[Ratio, Ratio] | None,
        Field(
            description="noise is added to each copy; lowest and highest SNR in dB in the whole band, of which "
            "each copy draws one"
        ),
    ] = None
    iq_time_shift: Annotated[
        float, Field(ge=0, le=1, description="copies begin up to this fraction of a spectrogram later")
    ] = 0.0
    iq_frequency_shift_hz: Annotated[
        float,
        Field(ge=0, le=1e12, allow_inf_nan=False, description="copies are shifted up or down by up to this"),
    ] = 0.0
    iq_gain_db: Annotated[float, Field(ge=0, le=100, description="copies are louder or quieter by up to this")] = (
        0.0
    )
    interferers_path: Annotated[
        Annotated[str, Field(min_length=1, max_length=4096)] | None,
        Field(description="recordings at the same sample rate, of which one is added to each copy"),
    ] = None
    interferer_db: Annotated[
        tuple[Ratio, Ratio],
        Field(description="lowest and highest power of an interferer relative to the signal, dB, both while on"),
    ] = (-20.0, 0.0)
    iq_seed: Annotated[int, Field(ge=0, lt=2**53, description="the same seed gives the same copies")] = 42


class IqAugmentation(IqAugmentationFields):
    """How recordings are changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="after")
    def _fits(self) -> "IqAugmentation":
        chosen = [name for name in _CHANGES if getattr(self, name)]
        if self.iq_copies and not chosen:
            raise ValueError(f"iq_copies: the copies would all be equal; set one of {', '.join(_CHANGES)}")
        if chosen and not self.iq_copies:
            raise ValueError(f"iq_copies: it is 0, so {chosen[0]} changes nothing; set how many copies are made")
        for name in ("iq_snr_db", "interferer_db"):
            if (bounds := getattr(self, name)) and bounds[0] > bounds[1]:
                raise ValueError(f"{name}: the first value must not be higher than the second")
        return self
