import pytest

from rfuav_ray.settings import Settings
from serve_app.access.scopes import OPEN
from serve_app.api import create_app


@pytest.fixture(scope="module")
def api():
    return create_app(Settings(_env_file=None, port=8123)).openapi()


def test_description_names_the_ways_to_send_a_key(api):
    ways = api["components"]["securitySchemes"]
    assert [(way.get("in"), way.get("name")) for way in ways.values()] == [
        ("header", "X-API-Key"),
        (None, None),
        ("cookie", "rfuav_session_8123"),
    ]
    assert (ways["bearer"]["type"], ways["bearer"]["scheme"]) == ("http", "bearer")


def test_description_every_operation_but_two_needs_a_key(api):
    ways = [{name: []} for name in api["components"]["securitySchemes"]]
    open_ = {}
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            if operation["security"] != ways:
                open_[method.upper(), path] = operation["security"]
    assert open_ == {("GET", "/api/v1/health"): [{}, *ways], ("POST", "/api/v1/session"): []}
    assert open_.keys() <= OPEN
