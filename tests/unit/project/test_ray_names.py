"""Only the rooms for it lean on what Ray does not promise: its private modules, and variables that set it up."""

import re

from tests.support.project import ROOT

ROOMS = ("actors/ray_internals/", "preprocessing/pipeline/ray_data_internals.py")
PACKAGES = ("rfuav_ray", "preprocessing", "actors", "serve_app", "benchmarks")
#: documented, and set by operators
PROMISED = {"RAY_ADDRESS"}
INSIDE = re.compile(r"\bRAY_\w+|\bray(?:\.\w+)*\._\w+|from ray\S* import .*\b_\w+|__internal_\w+|SLF001")


def test_ray_names_of_its_inside_are_in_their_rooms_alone():
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    found = {str(file.relative_to(ROOT)): set(INSIDE.findall(file.read_text())) - PROMISED for file in files}
    with_names = {name for name, names in found.items() if names}
    assert {name for name in with_names if not name.startswith(ROOMS)} == set()
    assert len(with_names) >= len(ROOMS)
