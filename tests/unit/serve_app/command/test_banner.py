import pytest

from rfuav_ray.settings import Settings
from serve_app.command.banner import banner

RESOURCES = {"gpu_info": {"devices": [], "pytorch_version": "2.10", "cuda_version": None}, "limits": {"cpu": {}}}


@pytest.fixture
def settings():
    return Settings(_env_file=None, host="0.0.0.0", api_keys="chosen-key,ann:read:other-key")


def test_banner_prints_no_key_that_was_given(settings):
    assert "-key" not in banner(settings, RESOURCES, {"CPU": 2})


def test_banner_prints_the_address_with_its_prefix(settings):
    printed = banner(settings.model_copy(update={"route_prefix": "/lab"}), RESOURCES, {"CPU": 2})
    assert "http://0.0.0.0:8000/lab/\n" in printed and "http://0.0.0.0:8000/lab/docs\n" in printed


def test_banner_prints_a_key_that_nobody_else_knows(settings):
    assert "rfuav_made (send it as X-API-Key" in banner(settings, RESOURCES, {"CPU": 2}, made_key="rfuav_made")
