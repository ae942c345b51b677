"""The text of small files whose encoding is stated, stated wrongly or not stated."""

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Supersets, for what programs call GB2312 often holds characters of GBK.
_SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "ascii": "gb18030"}
_STATED = re.compile(rb"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z][\w.:-]*)["']""")


def decode(content: bytes) -> tuple[str, str | None]:
    """The text of an XML or JSON file, and a remark if its encoding had to be guessed.

    A byte order mark decides; then UTF-8, if the bytes are; then the encoding that an XML head states; then
    GB18030, which includes GB2312 and GBK.

    Raises:
        ValueError: The bytes are no text of these encodings. The message says why.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decode(content, encoding), None
    # UTF-16 without a mark: the first character of XML and JSON is ASCII.
    if content[1:2] == b"\0":
        return _decode(content, "utf-16-le"), None
    if content[:1] == b"\0":
        return _decode(content, "utf-16-be"), None
    stated = match[1].decode() if (match := _STATED.match(content)) else None
    candidates = ("utf-8", _encoding(stated)) if stated else ("utf-8",)
    # UTF-8 before what is stated: editors save as UTF-8 and leave the head. Other text is hardly ever valid UTF-8.
    for candidate in candidates:
        if (text := _decoded(content, candidate)) is not None:
            return text, None
    if (text := _decoded(content, "gb18030")) is not None:
        return text, f"its bytes are not {stated or 'UTF-8'} and are read as GB18030"
    raise ValueError(f"its bytes are neither {stated or 'UTF-8'} nor GB18030")


def _encoding(stated: str) -> str:
    """Python's name of the encoding. Raises ValueError for one in which the head itself could not be read."""
    try:
        name = codecs.lookup(stated).name
        readable = b"<?xml".decode(name) == "<?xml"
    except (LookupError, ValueError):
        readable = stated.lower().startswith("utf-16")  # the head would not be readable: it is another encoding
        name = "utf-8"
    if not readable:
        raise ValueError(f"its encoding '{stated[:40]}' is not supported; save it as UTF-8")
    return _SUPERSETS.get(name, name)


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return _decode(content, encoding)
    except ValueError:
        return None


def _decode(content: bytes, encoding: str) -> str:
    # A last character that is cut off is left out: what needs it is incomplete in XML and JSON anyway.
    return codecs.getincrementaldecoder(encoding)().decode(content)
