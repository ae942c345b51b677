import pytest

from serve_app.middleware.cross_site import CrossSite
from tests.support.asgi import ask, passes

HOST = ("host", "lab-server:8000")


def status(*headers, method="POST", origins=(), host=HOST):
    return ask(CrossSite(passes, origins=origins), host, *headers, method=method)[0]


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("content-type", "text/plain"),),
        (("origin", "http://lab-server:8000"),),
        (("origin", "HTTP://Lab-Server:8000"),),
        (("origin", "http://lab-server:8000"), ("sec-fetch-site", "same-origin")),
        (("sec-fetch-site", "same-origin"),),
        (("sec-fetch-site", "none"),),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_cross_site_programs_and_the_own_page_write(headers, method):
    assert status(*headers, method=method) == 200


@pytest.mark.parametrize(
    "headers",
    [
        (("origin", "http://evil.test"),),
        (("origin", "null"),),
        (("origin", ""),),
        (("origin", "http://lab-server"),),
        (("origin", "http://lab-server:8001"),),
        (("origin", "http://lab-server:80"),),
        (("origin", "http://lab-server:8000.evil.test"),),
        (("origin", "http://evil.test/lab-server:8000"),),
        (("origin", "http://evil.test@lab-server:8000"),),
        (("origin", "lab-server:8000"),),
        (("origin", "file://lab-server:8000"),),
        (("origin", "chrome-extension://lab-server:8000"),),
        (("origin", "http://lab-server:8000 http://evil.test"),),
        (("origin", "http://lab-server:8000"), ("origin", "http://evil.test")),
        (("origin", "http://lab-server:8000"), ("origin", "http://lab-server:8000")),
        (("sec-fetch-site", "cross-site"),),
        (("sec-fetch-site", "same-site"),),
        (("sec-fetch-site", "Cross-Site"),),
        (("sec-fetch-site", ""),),
        (("sec-fetch-site", "of-a-later-standard"),),
        (("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")),
        (("origin", "http://lab-server:8000"), ("sec-fetch-site", "cross-site")),
        (("origin", "http://evil.test"), ("sec-fetch-site", "same-origin")),
        (("origin", "http://evil.test"), ("x-forwarded-host", "evil.test")),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "FROB"])
def test_cross_site_writes_of_other_origins_are_refused(headers, method):
    assert status(*headers, method=method) == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_cross_site_reads_pass(method):
    assert status(("origin", "http://evil.test"), ("sec-fetch-site", "cross-site"), method=method) == 200


@pytest.mark.parametrize(
    ("origin", "host", "expected"),
    [
        ("https://lab.example", "lab.example", 200),
        ("https://lab.example", "lab.example:443", 200),
        ("http://lab.example", "lab.example:80", 200),
        ("https://lab.example", "lab.example:80", 403),
        ("https://lab.example", "127.0.0.1:8000", 403),
        ("http://[::1]:8000", "[::1]:8000", 200),
    ],
)
def test_cross_site_the_default_port_may_be_written_or_not(origin, host, expected):
    assert status(("origin", origin), host=("host", host)) == expected


@pytest.mark.parametrize(
    ("origins", "origin", "expected"),
    [
        (("https://board.example",), "https://board.example", 200),
        (("https://board.example",), "http://board.example", 403),
        (("https://board.example",), "https://board.example:444", 403),
        (("*",), "http://evil.test", 200),
        (("*",), "null", 200),
        (("null",), "null", 200),
        (("null",), "http://evil.test", 403),
    ],
)
def test_cross_site_pages_that_cors_origins_names_write(origins, origin, expected):
    assert status(("origin", origin), ("sec-fetch-site", "cross-site"), origins=origins) == expected


def test_cross_site_a_browser_that_hides_the_origin_is_refused_with_every_setting():
    assert status(("sec-fetch-site", "cross-site"), origins=("*", "https://board.example")) == 403


def test_cross_site_the_refusal_names_the_origin():
    _, body = ask(CrossSite(passes, origins=()), HOST, ("origin", "http://evil.test"), method="POST")
    assert "http://evil.test" in body["message"] and "CORS_ORIGINS" in body["message"]
