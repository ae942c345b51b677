"""Text under the name of a recording: recognised by its first bytes, and told from samples."""

import codecs
import re
from itertools import pairwise

#: the control characters of text: tab, line feed, form feed, carriage return
_CONTROLS = b"\t\n\f\r"
#: Samples spread over neighbouring values. They do not have line ends without the values between them and the
#: letters; even uniform bytes have 64 such characters in a row with a probability of 1e-27.
_SHORTEST_TEXT, _FEWEST_CHARACTERS = 64, 5
#: (beginning, name, what to do)
_TEXTS = (
    (rb"version https://git-lfs", "a Git LFS pointer", "run `git lfs pull` to get the recording"),
    (rb"<\?xml", "an XML file", "put it beside the recording that it describes"),
    (rb"<!doctype html|<html", "a web page", "the download failed; download it again"),
    (rb'\{\s*"(?:global|captures|annotations)"\s*:', "SigMF metadata", "name it .sigmf-meta"),
    (rb'\{\s*"[^"\n]{1,80}"\s*:', "a JSON file", "remove it or rename it"),
)
_TEXT = ("a text file", "if it is a table of I and Q, name it .csv")

_PRINTABLE = frozenset(range(32, 127))
#: runs of this length count as a header: uniform bytes have one at the start with a probability of 1e-10
_SHORTEST_HEADER = 24
#: a header's characters lie further apart than the samples of a quiet recording
_HEADER_SPAN, _FEWEST_HEADER_CHARACTERS = 20, 6


def kind_of_text(head: bytes) -> tuple[str, str] | None:
    """(name, what to do) if the first bytes of a file are text; None: they can be samples."""
    text = _decoded(head).lstrip()
    if text and (known := _known(text)):
        return known
    if (
        len(text) < _SHORTEST_TEXT
        or len(set(text)) < _FEWEST_CHARACTERS
        or b"\n" not in text.replace(b"\r", b"\n")
    ):
        return None
    return _TEXT


def header_bytes(head: bytes) -> int:
    """The length of the text before the samples; 0 if there is none."""
    run = re.match(rb"[\t\n\r\x20-\x7e]*", head)
    length = run.end() if run else 0
    text, rest = head[:length], head[length:]
    if length < _SHORTEST_HEADER or len(rest) < _SHORTEST_HEADER or not _is_varied(text):
        return 0
    # Samples that happen to be letters, such as 8 bits of a weak signal beside zero, go on being letters.
    longest = max((len(one) for one in re.findall(rb"[\t\n\r\x20-\x7e]+", rest)), default=0)
    return 0 if longest * 2 >= length else length


def _is_varied(text: bytes) -> bool:
    jumps = sum(abs(one - other) >= _HEADER_SPAN // 2 for one, other in pairwise(text))
    return len(set(text)) >= _FEWEST_HEADER_CHARACTERS and max(text) - min(text) >= _HEADER_SPAN and jumps > 3


def _decoded(head: bytes) -> bytes:
    """The text as bytes of UTF-8; empty if it is none. A character that the end cuts off counts as whole."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            head = head[: len(head) // 2 * 2].decode("utf-16").encode()
        except UnicodeError:
            return b""
    head = head.removeprefix(codecs.BOM_UTF8)
    head = head.rstrip(b"\0")  # a padded table
    if any(byte not in _PRINTABLE and byte not in _CONTROLS and byte < 128 for byte in head):
        return b""
    for encoding in ("utf-8", "gb18030"):
        try:
            codecs.getincrementaldecoder(encoding)().decode(head)
        except UnicodeError:
            continue
        return head
    return b""


def _known(text: bytes) -> tuple[str, str] | None:
    for pattern, name, remedy in _TEXTS:
        if re.match(pattern, text, re.DOTALL | re.IGNORECASE) and len(text) >= _SHORTEST_TEXT // 2:
            return name, remedy
    return None
