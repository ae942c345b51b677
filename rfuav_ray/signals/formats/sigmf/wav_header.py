"""SigMF metadata of a WAV file, whose own header says the same things once more."""

from pathlib import Path

from rfuav_ray.errors import RunError
from rfuav_ray.signals.description import Asked, Described, Note
from rfuav_ray.signals.formats import wav


def header_of(data: Path) -> Described | None:
    """What the header of a WAV file says. None for other files, and for a header that cannot be read."""
    if data.suffix.lower() not in wav.SUFFIXES:
        return None
    try:
        return wav.describe(data, Asked())
    except RunError:
        return None


def doubts(header: Described, data_type: str, *, is_complex: bool, sample_rate_hz: float | None) -> list[Note]:
    """WARNINGs for each difference between the metadata, which win, and the header."""
    notes = []
    stated, own = _type(data_type, is_complex), _type(header.data_type, header.samples.is_complex)
    if stated != own:
        notes.append(Note(f"core:datatype says {stated}, which is used; the header of the WAV file says {own}"))
    if None not in {sample_rate_hz, header.sample_rate_hz} and sample_rate_hz != header.sample_rate_hz:
        notes.append(
            Note(
                f"core:sample_rate {sample_rate_hz:.9g} is used; the header of the WAV file says "
                f"{header.sample_rate_hz:.9g}"
            )
        )
    return notes


def _type(data_type: str, is_complex: bool) -> str:
    return f"{'I/Q' if is_complex else 'real'} {data_type}"
