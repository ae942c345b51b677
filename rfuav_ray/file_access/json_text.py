"""Parses JSON from files that others may have written: in bounded memory, and with one kind of error."""

import json
from typing import Any

#: parts of a document: what separates or opens them. Each takes up to a hundred bytes in memory
MAX_PARTS = 1_000_000


def parse_json(text: str | bytes) -> Any:
    """Parse a document.

    Raises:
        ValueError: It is not JSON, is nested too deeply, or has too many parts or too large a number.
    """
    if isinstance(text, str):
        parts = text.count(",") + text.count("[") + text.count("{")
    else:
        parts = text.count(b",") + text.count(b"[") + text.count(b"{")
    if parts > MAX_PARTS:
        raise ValueError(f"it has more than {MAX_PARTS:,} parts")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
