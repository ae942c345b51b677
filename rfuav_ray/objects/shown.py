"""How the local copies of objects are named in messages and results: by their URLs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class _Process:
    #: URLs by local paths. A run is a process of its own
    names: Mapping[str, str] = {}


@contextmanager
def shown_as(names: Mapping[str, str]) -> Iterator[None]:
    """A block in which `shown` puts these URLs in place of local paths."""
    before = _Process.names
    _Process.names = {**before, **names}
    try:
        yield
    finally:
        _Process.names = before


def shown(value: Any) -> Any:
    """A copy of a text, or of JSON data, that names objects by their URLs."""
    if not _Process.names:
        return value
    if isinstance(value, str):
        for path, url in _Process.names.items():
            value = value.replace(path, url)
        return value
    if isinstance(value, Mapping):
        return {key: shown(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [shown(one) for one in value]
    return value
