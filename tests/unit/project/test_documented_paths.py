"""The paths of sources and tests that the documentation names."""

import re

import pytest

from tests.support.project import ROOT

#: Records of decisions keep the names of their time.
PAGES = [
    page
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
    if page.parent.name != "decisions" and page.name not in {"performance.md", "benchmarks.md"}
]
_PATH = re.compile(r"`((?:rfuav_ray|preprocessing|actors|serve_app|tests|benchmarks)/[\w/.-]*)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_documented_paths_exist(page):
    # Pages about tests name them below tests/unit.
    missing = [
        name
        for name in _PATH.findall(page.read_text(encoding="utf-8"))
        if not (ROOT / name).exists() and not (ROOT / "tests" / "unit" / name).exists()
    ]
    assert missing == []
