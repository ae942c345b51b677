import pytest

from serve_app.ingress.client_rules import at_most, frontend
from tests.support.haproxy import HEAD, OK, SECRET, answer_with, ask, in_the_one_shape, read, send

ANSWERS = {status: f"status {status}" for status in (404, 405, 429)}


@pytest.mark.parametrize(
    ("wanted", "connections", "expected"), [(2000, 10_000, 2000), (2000, 1000, 750), (10**6, 10_000, 7500)]
)
def test_client_rules_one_address_leaves_connections_to_the_others(wanted, connections, expected):
    assert at_most(wanted, connections) == expected


def test_client_rules_without_a_header_haproxy_does_not_name_the_client():
    assert not any("%[src]" in rule for rule in frontend(2000, 1000, ANSWERS, ""))
    assert "http-request set-header x-client %[src]" in list(frontend(2000, 1000, ANSWERS, "x-client"))


@pytest.mark.parametrize(
    "path", ["/api/v2/tasks/x/logs", "/api/v2/tasks/x/log%73?after=1", "/api/v2/events", "/lab/api/v2/event%73"]
)
def test_client_rules_streams_alone_are_watched_for_clients_that_go_away(haproxy, replica, path):
    ports, _ = haproxy()
    asking = ask(ports["port"])
    assert "x-request-disconnect-disabled: ?1" in answer_with(replica, OK)
    read(asking)
    asking = ask(ports["port"], path, "X-Request-Disconnect-Disabled: ?1")
    assert "disconnect" not in answer_with(replica, OK)
    read(asking)


def test_client_rules_the_replica_gets_the_address_that_no_client_can_choose(haproxy, replica):
    ports, _ = haproxy()
    asking = ask(
        ports["port"], "/", f"{SECRET}: 8.8.8.8", f"{SECRET.upper()}: 9.9.9.9", "X-Forwarded-For: 7.7.7.7"
    )
    asked = answer_with(replica, OK)
    assert asked.lower().count(SECRET) == 1 and f"{SECRET}: 127.0.0.1\r\n" in asked
    assert "8.8.8.8" not in asked and "9.9.9.9" not in asked and "7.7.7.7" not in asked
    read(asking)


@pytest.mark.long
@pytest.mark.parametrize("half", [b"G", b"GET /a " + HEAD, b"GET /a " + HEAD + b"X: " + b"x" * 1000])
def test_client_rules_half_a_head_ends(haproxy, half):
    ports, _ = haproxy()
    head, _ = read(send(ports["port"], half))
    assert " 408 " in head


@pytest.mark.long
def test_client_rules_a_connection_without_a_request_is_closed_without_a_word(haproxy):
    ports, _ = haproxy()
    assert read(send(ports["port"], b"")) == ("", b"")


@pytest.mark.long
@pytest.mark.parametrize(
    "half", [b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"]
)
def test_client_rules_half_a_body_is_408_in_the_one_shape(haproxy, half):
    ports, _ = haproxy()
    head, body = read(send(ports["port"], b"POST /a " + HEAD + half))
    assert " 408 " in head and in_the_one_shape(body)


@pytest.mark.parametrize(
    "request_",
    [
        b"\0\1\2\r\n\r\n",
        b"GET / FTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / " + HEAD + b"no colon\r\n\r\n",
        b"GET / " + HEAD + b"Host: y\r\n\r\n",
        b"GET http://y/ " + HEAD + b"\r\n",
        b"POST / " + HEAD + b"Content-Length: x\r\n\r\n",
        b"POST / " + HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / " + HEAD + b"X: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" " + HEAD + b"\r\n",
        b"GET / " + HEAD + b"X: y\r\n" * 200 + b"\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
        b"CONNECT evil.test:80 " + HEAD + b"\r\n",
    ],
)
def test_client_rules_what_is_no_request_reaches_no_replica(haproxy, request_):
    ports, _ = haproxy()
    head, _ = read(send(ports["port"], request_))
    assert " 400 " in head


@pytest.mark.parametrize("method", [b"FROB", b"TRACE", b"get"])
def test_client_rules_other_methods_are_405_in_the_one_shape(haproxy, method):
    ports, _ = haproxy()
    head, body = read(send(ports["port"], method + b" /a " + HEAD + b"\r\n"))
    assert "allow: delete, get, head, post\r\n" in head.lower()
    assert " 405 " in head and "x-content-type-options: nosniff" in head.lower() and in_the_one_shape(body)


@pytest.mark.parametrize(("method", "target"), [("GET", "api/v2/tasks"), ("OPTIONS", "*"), ("GET", "x:80")])
def test_client_rules_what_is_no_path_is_404_in_the_one_shape(haproxy, method, target):
    ports, _ = haproxy()
    head, body = read(send(ports["port"], f"{method} {target} ".encode() + HEAD + b"\r\n"))
    assert " 404 " in head and in_the_one_shape(body)


@pytest.mark.parametrize("protocol", ["websocket", "h2c"])
def test_client_rules_no_connection_changes_its_protocol(haproxy, replica, protocol):
    ports, _ = haproxy()
    head = f"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: {protocol}\r\n"
    asking = send(ports["port"], f"{head}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
    asked = answer_with(replica, OK).lower()
    assert asked.startswith("get /a ") and "\nupgrade:" not in asked
    assert read(asking)[1] == b"ok"


def test_client_rules_one_address_holds_so_many_connections_and_the_others_get_in(haproxy, replica):
    ports, _ = haproxy(most=(5, 3))
    held = [begin(ports["port"]) for _ in range(20)]
    asking = send(ports["port"], b"GET / " + HEAD + b"\r\n", source="127.0.0.2")
    answer_with(replica, OK)
    assert read(asking)[1] == b"ok"
    assert sum(is_refused(connection) for connection in held) == 15


def begin(port):
    """A connection with half a request. None: it was closed before."""
    try:
        return send(port, b"GET / ")
    except (ConnectionResetError, BrokenPipeError):
        return None


def is_refused(connection):
    """HAProxy answers half a request on a connection that it has taken, and closes the others."""
    if connection is None:
        return True
    try:
        with connection:
            return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_client_rules_one_address_has_so_many_streams(haproxy, replica):
    ports, _ = haproxy()
    paths = ("/api/v2/tasks/x/logs", "/lab/api/v2/events", "/api/v2/tasks/y/log%73")
    # One after the other, so that each stream is known by its end.
    streams, ends = zip(*((ask(ports["port"], path), replica.accept()[0]) for path in paths), strict=True)
    head, body = read(ask(ports["port"], "/api/v2/events"))
    assert " 429 " in head and "retry-after: 2" in head.lower() and in_the_one_shape(body)
    other = send(ports["port"], b"GET /api/v2/events " + HEAD + b"\r\n", source="127.0.0.2")
    answer_with(replica, OK)
    assert read(other)[1] == b"ok"
    with ends[0]:
        ends[0].recv(10_000)
        ends[0].sendall(OK)
    assert streams[0].recv(10_000).endswith(b"ok")  # One has ended, so the next one may begin.
    streams[0].close()
    again = ask(ports["port"], "/api/v2/events")
    answer_with(replica, OK)
    assert read(again)[1] == b"ok"
    for connection in (*ends[1:], *streams[1:]):
        connection.close()
