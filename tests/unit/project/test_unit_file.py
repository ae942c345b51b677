"""The unit of systemd that we ship."""

import configparser
import shutil
import subprocess
import sys

import pytest

from tests.support.project import ROOT

UNIT = ROOT / "configs" / "rfuav.service"


class Parser(configparser.ConfigParser):
    def optionxform(self, optionstr: str) -> str:
        """Options of systemd are case-sensitive."""
        return optionstr


@pytest.fixture
def service():
    parser = Parser(strict=False, interpolation=None)
    parser.read(UNIT)
    return parser["Service"]


def test_unit_file_only_the_first_process_is_asked_to_stop_and_has_the_time_it_needs(service):
    assert service["KillMode"] == "mixed" and "KillSignal" not in service
    assert int(service["TimeoutStopSec"]) > 20
    assert service["ExecStart"].endswith("/bin/rfuav serve")


def test_unit_file_systemd_understands_it(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: `apt-get install systemd`")
    text = (
        UNIT.read_text().replace("/srv/rfuav/.venv/bin/rfuav", sys.executable).replace("User=rfuav", "User=root")
    )
    unit = tmp_path / "rfuav.service"
    unit.write_text(text.replace("/srv/rfuav", str(tmp_path)))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0 and "rfuav" not in checked.stderr, checked.stderr
