"""The ingress of a cluster, by the environment of its head node."""

import pytest

from actors.ray_internals.variables import HAPROXY_SWITCH, INGRESS_HOST
from rfuav_ray.errors import RfuavError
from serve_app.ingress.of_cluster import chosen


def test_of_cluster_without_haproxy_serve_listens_itself():
    assert (chosen("10.0.0.1", {}).serve_host, chosen("10.0.0.1", {}).notice) == ("10.0.0.1", None)


def test_of_cluster_with_our_haproxy_serve_stays_on_the_loopback():
    found = chosen("10.0.0.1", {HAPROXY_SWITCH: "1", INGRESS_HOST: "10.0.0.1"})
    assert (found.serve_host, found.notice) == ("127.0.0.1", None)


def test_of_cluster_open_statistics_are_a_notice():
    found = chosen("10.0.0.1", {HAPROXY_SWITCH: "1"})
    assert found.serve_host == "10.0.0.1"
    assert found.notice is not None and "statistics" in found.notice and "rfuav cluster-env" in found.notice


def test_of_cluster_another_address_of_haproxy_is_refused():
    with pytest.raises(RfuavError, match=r"HAProxy listens on 10\.0\.0\.1, and HOST is 127\.0\.0\.1"):
        chosen("127.0.0.1", {HAPROXY_SWITCH: "1", INGRESS_HOST: "10.0.0.1"})
