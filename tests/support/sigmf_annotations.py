"""Annotations of a recording, written and checked by the sigmf package."""

import json
import warnings

import sigmf

from rfuav_ray.signals.formats.sigmf.annotations import Annotation, write_annotations

FOUND = [
    Annotation(2, 2, "DJI AVATA2", "probability 0.97", 2.43e9, 2.45e9),
    Annotation(0, 2, "no drone", "probability 0.5", None, None),
]


def annotate(recording, path, *, found=FOUND):
    """What was written to `path`, and why it holds metadata only. The recording's folder stays as it is."""
    before = _content_of(recording.path.parent)
    reason = write_annotations(path, recording, found, generator="rfuav-ray 0.2.0")
    assert _content_of(recording.path.parent) == before
    content = json.loads(path.read_bytes())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the original uses an extension without declaring it
        sigmf.validate.validate(content)
    return content, reason


def _content_of(folder):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir() if path.is_file()}
