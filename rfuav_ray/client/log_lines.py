"""An event of a task's log as one line on a terminal."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich.text import Text

STYLE_OF_LEVEL = {"WARNING": "bold yellow", "ERROR": "bold red"}


def log_line(event: Mapping[str, Any]) -> Text:
    level = str(event.get("level", "INFO"))
    return Text.assemble(
        (f"{_clock(event.get('timestamp'))} ", "dim"),
        (f"{level:<7} {event.get('message', '')}", STYLE_OF_LEVEL.get(level, "")),
    )


def _clock(timestamp: Any) -> str:
    try:
        return datetime.fromisoformat(str(timestamp)).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return "--:--:--"
