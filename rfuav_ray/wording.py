"""How a sentence names some of many things."""

from collections.abc import Sequence

NAMES_SHOWN = 10


def some(names: Sequence[str], most: int = NAMES_SHOWN) -> str:
    """The first `most` names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def some_reasons(reasons: Sequence[str], total: int) -> str:
    """The first reasons, which are sentences, and how many more of `total` there are."""
    more = f" … and {total - NAMES_SHOWN} more" if total > NAMES_SHOWN else ""
    return "; ".join(reasons[:NAMES_SHOWN]) + more
