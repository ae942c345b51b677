"""The service on a Ray whose inside differs from the known one, and on the installed Ray."""

import sys

import pytest

from rfuav_ray.client import RFUAVClient
from tests.support.processes import family, wait_for_output

#: `rfuav` on a Ray that gives HAProxy one more section
OTHER_RAY = """
import os, sys
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # Ray reads it when it is imported, which is earlier here
from ray.serve._private import haproxy_templates
haproxy_templates.HAPROXY_CONFIG_TEMPLATE += "frontend unheard_of\\n  bind *:9999\\n"
from serve_app.command.console import main
main(sys.argv[1:])
"""


def test_service_on_the_installed_ray_has_no_notices(client: RFUAVClient) -> None:
    assert client.info()["notices"] == []


@pytest.mark.long
def test_service_on_a_ray_with_another_haproxy_takes_rays_own_proxy_and_says_so(own_service, tmp_path):
    process, client = own_service((sys.executable, "-c", OTHER_RAY))
    (notice,) = client.info()["notices"]
    assert "HAProxy cannot run" in notice and "frontend unheard_of" in notice and "own proxy is used" in notice
    assert f"WARNING serve_app.app: {notice}" in (tmp_path / "app.log").read_text()
    wait_for_output(tmp_path / "output.txt", f"NOTICE    {notice}")
    assert not [one for one in family(process) if "haproxy" in one.name()]
