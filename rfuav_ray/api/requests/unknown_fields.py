"""Warnings about the fields of a request that its model does not have. The service ignores them, but says so."""

import difflib
from collections.abc import Collection, Iterable

from rfuav_ray.events import one_line

#: a body of 1 MiB has room for a hundred thousand names
MAX_NAMED = 20
MAX_NAME_CHARS = 60


def warnings_about(unknown: Collection[str], known: Iterable[str]) -> tuple[str, ...]:
    """Return one sentence for each unknown field, at most `MAX_NAMED` and one for the rest.

    Args:
        unknown: Names as the client sent them. They may hold any character.
        known: The fields of the request's model.
    """
    fields = list(known)
    sentences = [
        f"unknown field '{one_line(name, MAX_NAME_CHARS)}', ignored{_suggestion(name, fields)}"
        for name in list(unknown)[:MAX_NAMED]
    ]
    if len(unknown) > MAX_NAMED:
        sentences.append(f"{len(unknown) - MAX_NAMED} further unknown fields, ignored")
    return tuple(sentences)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known field that the name probably means: `epochs`, `batchSize`, `lr`, `save-path`; or None."""
    folded = name[:MAX_NAME_CHARS].strip().lower().replace("-", "_").replace(" ", "_")
    fields = list(known)
    for field in fields:
        if folded == "".join(word[:1] for word in field.split("_")) and len(folded) > 1:
            return field
    return next(iter(difflib.get_close_matches(folded, fields, n=1)), None)


def _suggestion(name: str, fields: Iterable[str]) -> str:
    near = nearest(name, fields)
    return f"; did you mean {near}?" if near else ""
