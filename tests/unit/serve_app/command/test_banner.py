import pytest

from rfuav_ray.settings import Settings
from serve_app.command.banner import banner

RESOURCES = {"gpu_info": {"devices": [], "pytorch_version": "2.10", "cuda_version": None}, "limits": {"cpu": {}}}


@pytest.fixture
def settings():
    return Settings(_env_file=None, host="0.0.0.0", api_keys="chosen-key,ann:read:other-key")


def test_banner_prints_no_key_that_was_given(settings):
    assert "-key" not in banner(settings, RESOURCES, {"CPU": 2})


def test_banner_prints_a_key_that_nobody_else_knows(settings):
    assert "rfuav_made (send it as X-API-Key" in banner(settings, RESOURCES, {"CPU": 2}, made_key="rfuav_made")
