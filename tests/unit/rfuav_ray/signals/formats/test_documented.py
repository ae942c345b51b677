"""docs/formats.md lists what is read, no more and no less."""

import re
from pathlib import Path

from rfuav_ray.signals.data_types import DATA_TYPES
from rfuav_ray.signals.formats.suffixes import CONVENTIONS
from rfuav_ray.signals.recordings import RECORDING_SUFFIXES

PAGE = (Path(__file__).parents[5] / "docs/formats.md").read_text()


def rows(section):
    text = PAGE.split(f"## {section}\n")[1].split("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")
    ]
    return [row for row in cells if "`" in row[0]]


def suffixes(cell):
    return set(re.findall(r"`(\.[a-z0-9-]+)`", cell))


def test_documented_suffixes_are_those_that_are_read():
    listed = [
        suffixes(row[0]) for section in ("Kinds of files", "Files of nothing but samples") for row in rows(section)
    ]
    assert set().union(*listed) == RECORDING_SUFFIXES


def test_documented_types_are_those_of_the_suffixes():
    for row in rows("Files of nothing but samples"):
        for suffix in suffixes(row[0]):
            usual = CONVENTIONS[suffix]
            assert row[1].startswith(f"`{usual.data_type}`" if usual.data_type else "none")
            assert ("a real signal" in row[1]) == usual.is_real
            assert ("assumed" in row[1]) == usual.is_assumed


def test_documented_names_of_types_are_those_of_data_type():
    names = [row[0].strip("`") for row in rows("Files of nothing but samples") if row[0].strip("`") in DATA_TYPES]
    assert tuple(names) == DATA_TYPES
