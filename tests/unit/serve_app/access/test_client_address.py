import pytest

from serve_app.access.client_address import client_address, network_of


def test_client_address_is_that_of_the_connection():
    assert client_address({"client": ("10.0.0.7", 4711)}) == "10.0.0.7"
    assert client_address({"client": None}) == "unknown"


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
