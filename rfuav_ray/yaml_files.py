"""Reading YAML that others wrote: data, and nothing that grows as it is read."""

from collections.abc import Collection
from typing import Any

import yaml

#: collections in collections; the loader in C ends the process where there are some ten thousand
MAX_DEPTH = 50


def load_plain(text: str | bytes) -> Any:
    """The document of a YAML file. Raises yaml.YAMLError, and ValueError for text that cannot be decoded."""
    check_plain(text)
    return yaml.load(text, Loader=yaml.CSafeLoader)  # ten times as fast as the loader in Python


def check_plain(text: str | bytes, keys: Collection[str] | None = None) -> None:
    """Raises yaml.YAMLError for deep nesting, and for aliases below these keys of the top level (None: anywhere).

    A few lines of aliases of aliases stand for gigabytes once something writes them out.
    """
    depth, key, is_key = 0, "", True
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        names_a_key = depth == 1 and is_key
        if depth == 1 and isinstance(event, yaml.NodeEvent):
            key = getattr(event, "value", "") if is_key else key
            is_key = not is_key
        # One that names a key may stand for any of them.
        if isinstance(event, yaml.AliasEvent) and (keys is None or names_a_key or key in keys):
            raise _refusal(event, f"the alias '*{event.anchor}' is not read: write out what it stands for")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _refusal(event, f"it is nested deeper than {MAX_DEPTH} levels")


def _refusal(event: yaml.Event, problem: str) -> yaml.MarkedYAMLError:
    mark: Any = event.start_mark  # of the parser in C, which the stubs take for another class
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
