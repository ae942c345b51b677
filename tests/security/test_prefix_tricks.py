"""Ways to write a path that might get around the scopes, or around the service, below a prefix."""

import httpx2
import pytest

from tests.security.conftest import ADMIN, READER, WRITER, Keyed
from tests.support.raw_http import ask, is_error

CONFIG = "/api/v2/resources/config"
LIMITS = b'{"max_concurrent": {"cpu": {"inference": 7}}}'


@pytest.fixture(scope="module")
def below_lab(root, tmp_path_factory):
    with Keyed(tmp_path_factory.mktemp("lab"), root, route_prefix="/lab") as service:
        service.start()
        yield service


def sent(service, target, *keys, method="POST"):
    """The status, the headers and the body of the answer to exactly this target."""
    host = f"Host: {httpx2.URL(service.url).netloc.decode()}"
    headers = (host, "Content-Type: application/json", *(f"X-API-Key: {key}" for key in keys))
    # Wrong keys are counted by address.
    return ask(service.url, target, *headers, method=method, body=LIMITS, source="127.0.0.3")


@pytest.mark.parametrize(
    "target",
    [
        f"/lab{CONFIG}",
        f"/lab/{CONFIG}",
        f"/lab{CONFIG}/",
        f"/lab/lab{CONFIG}",
        f"/lab/..{CONFIG}",
        f"/lab/../lab{CONFIG}",
        f"/lab/.{CONFIG}",
        f"/lab/%2e%2e{CONFIG}",
        f"/lab/%2F{CONFIG}",
        f"/lab%2F{CONFIG}",
        f"/lab%2fapi{CONFIG.removeprefix('/api')}",
        f"/lab/static/..{CONFIG}",
        f"/lab/static/%2e%2e/lab{CONFIG}",
        f"/lab;a=b{CONFIG}",
        f"/lab%00{CONFIG}",
        f"/LAB{CONFIG}",
        f"/l%61b{CONFIG}",
        f"/labx{CONFIG}",
        f"//lab{CONFIG}",
        f"/./lab{CONFIG}",
        f"/x/../lab{CONFIG}",
        f"{{service}}{CONFIG}",
        f"lab{CONFIG}",
        CONFIG,
    ],
)
def test_prefix_tricks_no_way_to_write_a_path_gives_more(below_lab, target):
    target = target.replace("{service}", below_lab.url)
    for keys, codes in (((WRITER,), {403, 404, 405}), ((), {401, 404})):
        code, _, body = sent(below_lab, target, *keys)
        assert code in codes and is_error(body)
    with below_lab.http(READER) as http:
        assert http.get("/api/v2/resources").json()["limits"]["cpu"]["inference"] != 7


@pytest.mark.parametrize(
    "target", ["/", "/labx", "/labx/api/v1/health", "/LAB/api/v1/health", "/api/v1/health", "//lab/api/v1/health"]
)
def test_prefix_tricks_other_paths_are_not_of_the_service(below_lab, target):
    code, _, body = sent(below_lab, target, ADMIN, method="GET")
    assert code == 404 and is_error(body)


@pytest.mark.parametrize(
    "header", ["X-Forwarded-Prefix: /evil", "X-Script-Name: /evil", "X-Forwarded-Host: evil.test"]
)
def test_prefix_tricks_no_header_changes_where_the_prefix_leads(below_lab, header):
    host = f"Host: {httpx2.URL(below_lab.url).netloc.decode()}"
    code, headers, _ = ask(below_lab.url, "/lab?next=//evil.test", host, header)
    assert (code, headers["location"]) == (307, "lab/")


def test_prefix_tricks_the_right_path_with_the_right_key_is_let_in(below_lab):
    code, _, _ = sent(below_lab, f"/lab{CONFIG}", ADMIN)
    assert code == 200
