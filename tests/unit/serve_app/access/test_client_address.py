import pytest

from actors.ray_internals.variables import CLIENT_HEADER
from serve_app.access.client_address import client_address, network_of


def scope(*headers, client=("10.0.0.7", 5000)):
    return {"type": "http", "client": client, "headers": [(name, value) for name, value in headers]}


@pytest.fixture
def _behind_haproxy(monkeypatch):
    monkeypatch.setenv(CLIENT_HEADER, "x-client-0123")


@pytest.mark.usefixtures("_behind_haproxy")
def test_client_address_behind_haproxy_is_what_haproxy_says():
    assert client_address(scope((b"host", b"x"), (b"x-client-0123", b"192.0.2.1"))) == "192.0.2.1"
    assert client_address(scope((b"x-client-0123", b"2001:db8::1"))) == "2001:db8::1"


@pytest.mark.usefixtures("_behind_haproxy")
def test_client_address_of_a_call_past_haproxy_is_that_of_the_connection():
    assert client_address(scope((b"x-client-4567", b"192.0.2.1"))) == "10.0.0.7"


def test_client_address_without_haproxy_no_header_counts(monkeypatch):
    monkeypatch.delenv(CLIENT_HEADER, raising=False)
    headers = [(b"x-client-0123", b"192.0.2.1"), (b"x-forwarded-for", b"192.0.2.2"), (b"", b"192.0.2.3")]
    assert client_address(scope(*headers)) == "10.0.0.7"


def test_client_address_may_be_unknown(monkeypatch):
    monkeypatch.delenv(CLIENT_HEADER, raising=False)
    assert client_address(scope(client=None)) == "unknown"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_client_address_of_one_network_count_as_one(address, network):
    assert network_of(address) == network
