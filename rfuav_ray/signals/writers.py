"""Writes samples as recordings: raw I/Q, or SigMF."""

from pathlib import Path

import numpy as np

from rfuav_ray.files import replacing, write_text
from rfuav_ray.signals.recordings import Samples


def write_recording(path: Path, samples: Samples) -> None:
    """Write samples in RFUAV's format: interleaved float32 I/Q, little-endian, without a header."""
    with replacing(path) as temporary:
        temporary.write_bytes(samples.astype("<c8").data)


def write_sigmf(path: Path, samples: Samples, *, sample_rate_hz: float, center_frequency_hz: float) -> None:
    """Write samples as a SigMF recording of signed 8-bit values.

    Args:
        path: The `.sigmf-meta` file; the `.sigmf-data` file is written beside it.
        samples: complex64 (n,). I and Q are clipped to -1..1.
        sample_rate_hz: Written to the metadata.
        center_frequency_hz: Written to the metadata.
    """
    import sigmf  # noqa: PLC0415  # imported here because it takes 0.2 s

    values = np.rint(samples.view(np.float32).clip(-1, 1) * 127).astype(np.int8)
    with replacing(path.with_suffix(".sigmf-data")) as temporary:
        temporary.write_bytes(values.data)
    described = {"core:datatype": "ci8", "core:sample_rate": sample_rate_hz, "core:version": "1.2.0"}
    metadata = sigmf.SigMFFile(global_info=described)
    metadata.add_capture(0, metadata={"core:frequency": center_frequency_hz})
    write_text(path, metadata.dumps(pretty=True))
