import pytest

from serve_app.ingress.client_rules import at_most, frontend

ANSWERS = {405: "status 405", 429: "status 429"}


@pytest.mark.parametrize(
    ("wanted", "connections", "expected"), [(2000, 10_000, 2000), (2000, 1000, 750), (10**6, 10_000, 7500)]
)
def test_client_rules_one_address_leaves_connections_to_the_others(wanted, connections, expected):
    assert at_most(wanted, connections) == expected


def test_client_rules_without_a_header_haproxy_does_not_name_the_client():
    assert not any("%[src]" in rule for rule in frontend(2000, 1000, ANSWERS, ""))
    assert "http-request set-header x-client %[src]" in list(frontend(2000, 1000, ANSWERS, "x-client"))
