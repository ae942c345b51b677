"""How a sentence names some of many things."""

from collections.abc import Sequence

NAMES_SHOWN = 10


def some(names: Sequence[str], most: int = NAMES_SHOWN) -> str:
    """The first `most` names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def some_reasons(reasons: Sequence[str], most: int, total: int) -> str:
    """The first `most` reasons, which are sentences, and how many more of `total` there are."""
    more = f" … and {total - most} more" if total > most else ""
    return "; ".join(reasons[:most]) + more
