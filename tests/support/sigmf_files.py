"""SigMF recordings as any program writes them."""

import json

import numpy as np

#: signed integers store all of them: 1 itself is beyond their full scale
SAMPLES = np.array([0.5 - 0.25j, -1 + 0.125j, 0.125j, 0.75], np.complex64)
RATE_HZ, FREQUENCY_HZ = 20e6, 2.44e9


def write(folder, stored, datatype, *, name="a", captures=None, **fields):
    """A recording as any program writes it; a field of None is left out. Gives the metadata's path."""
    (folder / f"{name}.sigmf-data").write_bytes(stored.tobytes())
    return write_metadata(folder, datatype, name=name, captures=captures, **fields)


def write_metadata(folder, datatype="cf32_le", *, name="a", captures=None, **fields):
    fields = {"version": "1.2.0", "datatype": datatype, "sample_rate": RATE_HZ, **fields}
    content = {
        "global": {f"core:{key}": value for key, value in fields.items() if value is not None},
        "captures": [{"core:sample_start": 0, "core:frequency": FREQUENCY_HZ}] if captures is None else captures,
        "annotations": [],
    }
    path = folder / f"{name}.sigmf-meta"
    path.write_text(json.dumps(content))
    return path
