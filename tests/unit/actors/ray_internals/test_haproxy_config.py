"""A configuration of HAProxy with another structure than the known one is refused."""

import pytest

from actors.ray_internals.haproxy_config import UnknownConfiguration, corrected, write_sample

KNOWN = """global
    # a comment
    log 127.0.0.1:514 local0 info
    stats socket /x/admin.sock mode 666 level admin expose-fd listeners
    stats timeout 30s
defaults
    log global
    errorfile 502 /x/500.http
    errorfile 503 /x/500.http
    errorfile 504 /x/500.http
frontend prometheus
    bind :9101
frontend http_frontend
    bind 127.0.0.1:8000
    default_backend default_backend
backend default_backend
    http-request return status 404 content-type text/plain
backend http-api
    log global
listen stats
  bind *:8404
"""
CORRECTED = """global
    # a comment
    stats socket /x/admin.sock mode 666 level admin expose-fd listeners
    stats timeout 30s
defaults
    log global
    http-error status 500
    http-error status 503
frontend http_frontend
    default_backend default_backend
    bind *:8000
    http-request set-header x-request-disconnect-disabled ?1 if !{ path_end /logs }
backend default_backend
    http-request return status 503
backend http-api
    log global
"""


def correct(configuration):
    return corrected(configuration, address="*", answers={500: "status 500", 503: "status 503"}, watched="/logs")


def test_haproxy_config_only_the_known_lines_are_changed():
    assert correct(KNOWN) == CORRECTED


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("listen stats", "listen metrics"),
        ("frontend prometheus\n    bind :9101\n", ""),
        ("backend http-api", "frontend grpc_frontend\n    bind :9000\nbackend http-api"),
        ("backend http-api", "backend default_backend"),
        ("    # a comment", "# a comment"),
        ("    bind 127.0.0.1:8000", "    bind 127.0.0.1:8000\n    bind 127.0.0.1:8001"),
        ("    bind 127.0.0.1:8000", "    bind 127.0.0.1:8000 ssl crt /x"),
        ("    bind 127.0.0.1:8000\n", ""),
        ("    log 127.0.0.1:514 local0 info", "    log /dev/log local0\n    log 127.0.0.1:514 local0 info"),
        ("stats socket /x/admin.sock", "stats socket ipv4@*:9999"),
        ("errorfile 504", "errorfile 400"),
        ("    errorfile 504 /x/500.http\n", ""),
        ("status 404", "status 200"),
        ("    http-request return status 404", "    use-server x\n    http-request return status 404"),
    ],
)
def test_haproxy_config_another_structure_is_refused(line, other):
    assert KNOWN.count(line) == 1
    with pytest.raises(UnknownConfiguration):
        correct(KNOWN.replace(line, other))


def test_haproxy_config_write_sample_fails_where_ray_has_no_such_code(tmp_path, monkeypatch):
    monkeypatch.delattr("ray.serve._private.haproxy.HAProxyApi")
    with pytest.raises(UnknownConfiguration, match="HAProxyApi"):
        write_sample(tmp_path)
