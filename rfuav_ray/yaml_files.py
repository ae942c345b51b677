"""Reading YAML files from untrusted sources: no Python objects, no alias expansion, bounded memory and time."""

from collections import Counter
from collections.abc import Collection
from typing import Any

import yaml

#: levels of nested collections; the C loader crashes the process at about ten thousand
MAX_DEPTH = 50
#: values and keys. One takes half a kilobyte: those of the largest data set's dataset.yaml take a gigabyte
MAX_NODES = 2_000_000
MAX_CONFIG_NODES = 100_000
#: What is not quoted may be a number, and numbers take a time that grows with the square of their length.
LONGEST_PLAIN = 1000


def load_plain(text: str | bytes) -> Any:
    """Parse a YAML document without aliases.

    Raises:
        yaml.YAMLError: The text is not YAML, has too many or too long values, is nested too deeply, or holds an
            alias.
        ValueError: The text cannot be decoded, or a value is none of its kind.
    """
    check_plain(text)
    return yaml.load(text, Loader=yaml.CSafeLoader)  # ten times as fast as the Python loader


def check_plain(text: str | bytes, keys: Collection[str] | None = None, *, most_nodes: int = MAX_NODES) -> None:
    """Reject deep nesting, aliases and long numbers. A few lines of nested aliases expand to gigabytes.

    Args:
        text: The YAML document.
        keys: Reject only aliases and long numbers at or below these top-level keys. None rejects all.
        most_nodes: How many keys and values there may be in all.

    Raises:
        yaml.YAMLError: The document is not YAML, is nested too deeply, or holds something rejected.
    """
    depth, nodes, key, is_key = 0, 0, "", True
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        names_a_key = depth == 1 and is_key
        if depth == 1 and isinstance(event, yaml.NodeEvent):
            key = getattr(event, "value", "") if is_key else key
            is_key = not is_key
        # An alias in the position of a key may stand for any of these keys.
        is_read = keys is None or names_a_key or key in keys
        if is_read and isinstance(event, yaml.AliasEvent):
            raise _refusal(event, f"the alias '*{event.anchor}' is not supported: replace it with its value")
        if is_read and isinstance(event, yaml.ScalarEvent) and _is_long_number(event):
            raise _refusal(event, f"a value has over {LONGEST_PLAIN} characters: put it in quotation marks")
        nodes += isinstance(event, yaml.NodeEvent)
        if nodes > most_nodes:
            raise _refusal(event, f"it has more than {most_nodes:,} values")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _refusal(event, f"it is nested deeper than {MAX_DEPTH} levels")


def _is_long_number(event: yaml.ScalarEvent) -> bool:
    """Whether a value is long, and may be a number: it is not quoted, or has a tag."""
    return len(event.value) > LONGEST_PLAIN and (event.implicit[0] or event.tag is not None)


def repeated_keys(mapping: yaml.MappingNode) -> list[str]:
    """The keys that a mapping has more than once. YAML forbids them, but its loaders keep the last one."""
    counts = Counter(key.value for key, _ in mapping.value if isinstance(key, yaml.ScalarNode))
    return [key for key, count in counts.items() if count > 1]


def _refusal(event: yaml.Event, problem: str) -> yaml.MarkedYAMLError:
    mark: Any = event.start_mark  # the C parser has its own Mark class, which the stubs do not know
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
