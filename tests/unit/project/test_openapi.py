"""The committed description of the API is current."""

import runpy

from tests.support.project import ROOT


def test_openapi_is_what_the_service_says():
    written = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    current = runpy.run_path(str(ROOT / "docs" / "write_openapi.py"))["description"]()
    assert written == current, "run `make docs/openapi.json`"
