"""Requests under a name that is not the service's, as a rebound web page sends them."""

import httpx2
import pytest

from tests.support.raw_http import ask, is_error

OTHERS = ("/", "/docs", "/redoc", "/redoc.js", "/openapi.json", "/static/main.js", "/no/such/route")


@pytest.fixture(scope="module")
def routes(service):
    """Method and path of every route."""
    paths = httpx2.get(f"{service}/openapi.json").json()["paths"]
    found = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    return [*found, *(("GET", path) for path in OTHERS)]


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:{port}", "localhost.evil.test", "8.8.8.8", "0.0.0.0:{port}"]
)
def test_names_no_route_answers_to_another_name(service, routes, host):
    host = host.format(port=httpx2.URL(service).port)
    for method, path in routes:
        code, headers, body = ask(service, path.replace("{", "").replace("}", ""), f"Host: {host}", method=method)
        assert code == 421 and is_error(body), (method, path)
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.:1", "127.0.0.1", "127.8.9.1:80", "[::1]", "[::1]:8000"])
def test_names_the_loopback_is_the_service(service, host):
    for path in ("/api/v1/health", "/api/v2/tasks", "/openapi.json"):
        assert ask(service, path, f"Host: {host}")[0] == 200


def test_names_forwarded_names_do_not_count(service):
    forwarded = ("X-Forwarded-Host: localhost", "Forwarded: host=localhost", "X-Forwarded-Server: localhost")
    assert ask(service, "/api/v2/tasks", "Host: evil.test", *forwarded)[0] == 421
    assert ask(service, "/api/v2/tasks", "Host: localhost", "X-Forwarded-Host: evil.test")[0] == 200


@pytest.mark.parametrize(
    ("target", "hosts"),
    [
        ("/api/v2/tasks", ()),
        ("/api/v2/tasks", ("Host:",)),
        ("/api/v2/tasks", ("Host: localhost", "Host: evil.test")),
        ("/api/v2/tasks", ("Host: evil.test", "Host: localhost")),
        ("/api/v2/tasks", ("Host: localhost, evil.test",)),
        ("http://evil.test/api/v2/tasks", ("Host: localhost",)),
        ("http://localhost/api/v2/tasks", ("Host: evil.test",)),
        ("http://evil.test/api/v2/tasks", ("Host: evil.test",)),
        ("http://evil.test/api/v2/tasks", ()),
    ],
)
def test_names_two_names_none_and_a_name_in_the_target_are_refused(service, target, hosts):
    assert ask(service, target, *hosts)[0] in {400, 421}
