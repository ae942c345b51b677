"""Reading YAML files from untrusted sources: no Python objects, no deep nesting, no alias expansion."""

from collections import Counter
from collections.abc import Collection
from typing import Any

import yaml

#: levels of nested collections; the C loader crashes the process at about ten thousand
MAX_DEPTH = 50


def load_plain(text: str | bytes) -> Any:
    """Parse a YAML document without aliases.

    Raises:
        yaml.YAMLError: The text is not YAML, is nested too deeply, or holds an alias.
        ValueError: The text cannot be decoded.
    """
    check_plain(text)
    return yaml.load(text, Loader=yaml.CSafeLoader)  # ten times as fast as the Python loader


def check_plain(text: str | bytes, keys: Collection[str] | None = None) -> None:
    """Reject deep nesting and aliases. A few lines of nested aliases expand to gigabytes when written out.

    Args:
        text: The YAML document.
        keys: Reject only aliases at or below these top-level keys. None rejects every alias.

    Raises:
        yaml.YAMLError: The document is not YAML, is nested too deeply, or holds a rejected alias.
    """
    depth, key, is_key = 0, "", True
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        names_a_key = depth == 1 and is_key
        if depth == 1 and isinstance(event, yaml.NodeEvent):
            key = getattr(event, "value", "") if is_key else key
            is_key = not is_key
        # An alias in the position of a key may stand for any of these keys.
        if isinstance(event, yaml.AliasEvent) and (keys is None or names_a_key or key in keys):
            raise _refusal(event, f"the alias '*{event.anchor}' is not supported: replace it with its value")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _refusal(event, f"it is nested deeper than {MAX_DEPTH} levels")


def repeated_keys(mapping: yaml.MappingNode) -> list[str]:
    """The keys that a mapping has more than once. YAML forbids them, but its loaders keep the last one."""
    counts = Counter(key.value for key, _ in mapping.value if isinstance(key, yaml.ScalarNode))
    return [key for key, count in counts.items() if count > 1]


def _refusal(event: yaml.Event, problem: str) -> yaml.MarkedYAMLError:
    mark: Any = event.start_mark  # the C parser has its own Mark class, which the stubs do not know
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
