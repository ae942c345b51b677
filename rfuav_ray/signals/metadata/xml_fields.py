"""The elements of a small .xml, also of one that is broken or cut off."""

import html
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from rfuav_ray.file_access.reading import read_file
from rfuav_ray.signals.metadata import encodings

_LARGEST_BYTES = 1_000_000
_NOT_CONTENT = re.compile(r"<!--.*?(?:-->|$)", re.DOTALL)
_ELEMENT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)(\s[^<>]*)?>([^<>]*)</(?:[\w.-]+:)?\1\s*>", re.IGNORECASE)
# Possessive, and from the start of a name: a long text without `=` would be looked through from each character.
_ATTRIBUTE = re.compile(r"""(?<![\w.:-])([\w.:-]++)\s*+=\s*+(?:"([^"]*)"|'([^']*)')""")


@dataclass(frozen=True)
class Field:
    """An element with text."""

    text: str
    #: of the attribute `unit` or `units`
    unit: str = ""


@dataclass(frozen=True)
class Fields:
    """The elements with text, by their names in lower case without `_` and `-`."""

    of: dict[str, Field]
    #: what is doubtful about them
    remarks: tuple[str, ...] = ()


def read(path: Path) -> Fields:
    """Read an .xml. Of several elements of a name the first counts.

    Of an .xml that is broken or cut off, the elements that are complete count, unless they contradict each other.

    Raises:
        ValueError: It has an unknown encoding or a DOCTYPE, or is broken and holds no element.
        OSError: It cannot be read, or is too large.
    """
    text, remark = encodings.decode(read_file(path, largest_bytes=_LARGEST_BYTES))
    remarks = [remark] if remark else []
    try:
        found = _elements(text)
        is_broken = False
    except ET.ParseError as error:
        found = _complete_elements(text)
        if not found:
            raise ValueError(f"it is no XML: {error}") from error
        remarks.append(f"it is broken or cut off ({error}); only its complete elements are used")
        is_broken = True
    fields: dict[str, Field] = {}
    for name, field in found:
        fields.setdefault(name, field)
    for name in dict.fromkeys(name for name, field in found if fields[name] != field):
        remarks.append(f"it has several {name}, of which {'none is' if is_broken else 'the first is'} used")
        if is_broken:
            del fields[name]
    return Fields(fields, tuple(remarks))


class _Builder(ET.TreeBuilder):
    def doctype(self, _name: str, _public_id: str | None, _system: str | None) -> NoReturn:
        # A DOCTYPE can declare entities that expand without end or read other files.
        raise ValueError("it contains a DOCTYPE, which is refused")


def _elements(text: str) -> list[tuple[str, Field]]:
    parser = ET.XMLParser(target=_Builder(), encoding="utf-8")  # whatever its head states
    parser.feed(text.lstrip().encode())
    return [
        (_plain(str(element.tag).rpartition("}")[2]), Field(text, _unit(element.attrib)))
        for element in parser.close().iter()
        if (text := (element.text or "").strip())
    ]


def _complete_elements(text: str) -> list[tuple[str, Field]]:
    """The elements without children of a text that is no XML."""
    if re.search(r"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise ValueError("it contains a DOCTYPE, which is refused")
    found = []
    for name, attributes, content in _ELEMENT.findall(_NOT_CONTENT.sub("", text)):
        stated = {key: html.unescape(double or single) for key, double, single in _ATTRIBUTE.findall(attributes)}
        if plain := html.unescape(content).strip():
            found.append((_plain(name), Field(plain, _unit(stated))))
    return found


def _plain(name: str) -> str:
    return re.sub("[_-]", "", name).lower()


def _unit(attributes: dict[str, str]) -> str:
    by_name = {key.lower(): value for key, value in attributes.items()}
    return by_name.get("unit") or by_name.get("units") or ""
