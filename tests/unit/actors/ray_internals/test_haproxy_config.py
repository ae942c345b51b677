"""A configuration of HAProxy with another structure than the known one is refused."""

import pytest

from actors.ray_internals.haproxy_config import (
    Additions,
    UnknownConfiguration,
    connections,
    corrected,
    prefix_of,
    write_sample,
)

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
    timeout http-request 10s
    http-error status 500
    http-error status 503
frontend http_frontend
    bind *:8000 proto h1
    http-request del-header x
    default_backend default_backend
backend default_backend
    http-request return status 503
backend http-api
    log global
backend table
"""
ADDED = Additions(["timeout http-request 10s"], ["http-request del-header x"], "backend table\n")


def correct(configuration):
    return corrected(configuration, address="*", answers={500: "status 500", 503: "status 503"}, added=ADDED)


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
        ("    log global\n    errorfile 502", "    timeout http-request 5s\n    log global\n    errorfile 502"),
        ("    errorfile 504 /x/500.http\n", ""),
        ("status 404", "status 200"),
        ("    http-request return status 404", "    use-server x\n    http-request return status 404"),
    ],
)
def test_haproxy_config_another_structure_is_refused(line, other):
    assert KNOWN.count(line) == 1
    with pytest.raises(UnknownConfiguration):
        correct(KNOWN.replace(line, other))


@pytest.mark.parametrize(
    ("rule", "prefix"),
    [
        ("acl is_http-rfuav path_beg /lab/", "/lab/"),
        ("acl is_http-rfuav path_beg /", "/"),
        ("acl is_http-other path_beg /lab/", None),
        ("acl is_http-rfuav path_beg /l'ab/", None),
        ("acl is_http-rfuav path /lab", None),
    ],
)
def test_haproxy_config_prefix_of_an_application(rule, prefix):
    assert prefix_of("rfuav", f"frontend http_frontend\n    {rule}\n") == prefix


@pytest.mark.parametrize("text", ["", "    maxconn 10\n    maxconn 20\n", "    maxconn many\n"])
def test_haproxy_config_another_number_of_connections_is_refused(text):
    assert connections("    maxconn 10\n") == 10
    with pytest.raises(UnknownConfiguration, match="maxconn"):
        connections(text)


def test_haproxy_config_write_sample_fails_where_ray_has_no_such_code(tmp_path, monkeypatch):
    monkeypatch.delattr("ray.serve._private.haproxy.HAProxyApi")
    with pytest.raises(UnknownConfiguration, match="HAProxyApi"):
        write_sample(tmp_path)
