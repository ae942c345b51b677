"""The page finds the service below any prefix: it has no address that begins at the root of the host."""

import re
from pathlib import Path

import pytest

import serve_app

STATIC = Path(serve_app.__file__).parent / "static"
FILES = sorted(
    path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.suffix in {".js", ".html", ".css"}
)
ABSOLUTE = re.compile(r"""(?:\b(?:href|src|action)\s*[=:]\s*|fetch\(|url\(|import\(?\s*)["'`]?/(?!/)""")


@pytest.mark.parametrize("text", ['src="/static/a.js"', 'href: "/docs"', "fetch(`/api/v2`", "url(/a.png)"])
def test_addresses_absolute_ones_are_recognised(text):
    assert ABSOLUTE.search(text)


@pytest.mark.parametrize("file", FILES)
def test_addresses_are_relative(file):
    text = (STATIC / file).read_text(encoding="utf-8")
    assert ABSOLUTE.search(text) is None
    # Paths of the API, also those in its answers, become addresses in one place.
    assert file == "api.js" or not re.search(r"\bfetch\((?!address\()", text)
