"""The sweep: clean recordings at stated in-band signal-to-noise ratios, drawn as all recordings are."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rfuav_ray.api.requests import SnrSweep
from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.evaluation.data.work import Labelled
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.inference.windows import RecordingSource
from rfuav_ray.models.recording_settings import WindowedRecording
from rfuav_ray.signals.finding import some_recordings
from rfuav_ray.signals.noise.noisy import band_share, noisy
from rfuav_ray.signals.noise.on_power import OnPower, on_power
from rfuav_ray.signals.recordings import Recording
from rfuav_ray.signals.resampling.resampled import ResampledSamples

#: a recording is clean for ratios that are so much below its own
CLEAN_MARGIN_DB = 10.0


@dataclass(frozen=True)
class _Clean:
    """A recording to which noise is added."""

    position: int
    item: Labelled
    source: RecordingSource
    power: OnPower
    own_db: float


def with_noise(items: Sequence[Labelled], sweep: SnrSweep, report: Report) -> list[Labelled]:
    """Each clean recording at each ratio.

    Args:
        items: The labelled recordings, at the beginning of the work.
        sweep: The ratios, and the band whose noise counts.
        report: Receives a WARNING for recordings that are left out, or not clean enough.

    Raises:
        InvalidInput: For `snr_sweep`: noise can be added to no recording.
    """
    found, refused = [], []
    for position, item in enumerate(items):
        report(RunEvent())  # raises if the task was cancelled, as this reads the recordings
        if not isinstance(item.source, RecordingSource):
            continue
        original = item.source.windowed.original
        try:
            power = on_power(original)
            own_db = power.snr_db(band_share(original, sweep.bandwidth_hz))
            if power.signal_power <= 0:
                raise RunError(f"{original.path}: nothing in it stands out of its noise.")
        except RunError as error:
            refused.append((item.source.name, str(error)))
        else:
            found.append(_Clean(position, item, item.source, power, own_db))
    if not found:
        reason = f" The first of {len(refused)}: {refused[0][1]}" if refused else ""
        raise InvalidInput("snr_sweep", f"it needs recordings that noise can be added to.{reason}")
    if refused:
        named = some_recordings([name for name, _ in refused])
        message = f"Without the sweep: {named}. The first: {refused[0][1]}"
        report(RunEvent(message=clean(message), level="WARNING"))
    _tell_unclean(found, sweep, report)
    made = []
    for one in found:
        report(RunEvent())  # as above
        made += [_at(one, snr_db, sweep.bandwidth_hz) for snr_db in sweep.ratios_db]
    return made


def _tell_unclean(found: Sequence[_Clean], sweep: SnrSweep, report: Report) -> None:
    highest_db = sweep.ratios_db[-1]
    unclean = [one for one in found if one.own_db < highest_db + CLEAN_MARGIN_DB]
    if not unclean:
        return
    lowest_db = min(one.own_db for one in unclean)
    named = some_recordings([one.source.name for one in unclean])
    message = (
        f"{named}: not clean enough for ratios up to {highest_db:g} dB. "
        f"Their own in-band ratio is {lowest_db:.1f} dB or more. Their noise is taken into account, but points "
        f"above {lowest_db - CLEAN_MARGIN_DB:.0f} dB are doubtful, and those above {lowest_db:.0f} dB are wrong."
    )
    report(RunEvent(message=clean(message), level="WARNING"))


def _at(one: _Clean, snr_db: float, bandwidth_hz: float | None) -> Labelled:
    windowed = one.source.windowed
    seed = zlib.crc32(f"{one.item.name} {snr_db:g}".encode("utf-8", "backslashreplace"))
    original = noisy(windowed.original, snr_db, seed=seed, bandwidth_hz=bandwidth_hz, power=one.power)
    source = replace(
        one.source,
        name=f"{one.source.name} at {snr_db:g} dB",
        version=f"{one.source.version} {snr_db:g} {bandwidth_hz}",
        windowed=replace(windowed, original=original, recording=_drawn(windowed, original)),
        # At low ratios a signal looks like noise. Leaving such windows out would flatter the model.
        classifies_noise=True,
    )
    return replace(one.item, source=source, part="sweep", snr_db=snr_db, clean=one.position)


def _drawn(windowed: WindowedRecording, original: Recording) -> Recording:
    """The noisy recording at the model's rate."""
    samples = windowed.recording.samples
    if isinstance(samples, ResampledSamples):
        return replace(windowed.recording, samples=replace(samples, original=original))
    return original
