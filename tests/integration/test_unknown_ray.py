"""The service on a Ray whose inside differs from the known one, and on the installed Ray."""

import sys

import pytest

from tests.support.processes import family, wait_for_output

#: `rfuav` on a Ray that gives HAProxy one more section, and its workers another option
OTHER_RAY = """
import os, sys
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # Ray reads it when it is imported, which is earlier here
os.environ["PYTHONPATH"] = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])
from ray.serve._private import haproxy_templates
haproxy_templates.HAPROXY_CONFIG_TEMPLATE += "frontend unheard_of\\n  bind *:9999\\n"
from serve_app.command.console import main
main(sys.argv[1:])
"""
EVERY_PYTHON = (
    "import sys\nsys.orig_argv = [word.replace('--raylet-name', '--raylet') for word in sys.orig_argv]\n"
)


def test_service_on_the_installed_ray_has_no_notices(client):
    assert client.info()["notices"] == []


@pytest.mark.long
def test_service_on_another_ray_does_without_haproxy_and_the_fork_server_and_says_so(own_service, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(EVERY_PYTHON)
    process, client = own_service((sys.executable, "-c", OTHER_RAY))
    ingress, workers = notices = client.info()["notices"]
    assert "HAProxy cannot run" in ingress and "frontend unheard_of" in ingress and "own proxy is used" in ingress
    assert "without the fork server" in workers and "--raylet-name=[]" in workers
    for notice in notices:
        assert f"WARNING serve_app.app: {notice}" in (tmp_path / "app.log").read_text()
        wait_for_output(tmp_path / "output.txt", f"NOTICE    {notice}")
    assert not [one for one in family(process) if "haproxy" in one.name()]
