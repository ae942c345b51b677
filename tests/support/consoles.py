"""What was printed on consoles that write to memory."""

import io

from rich.console import Console


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
