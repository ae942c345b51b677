"""Requests as bytes, for what no client library sends."""

import json
import socket
from urllib.parse import urlsplit


def connect(service, *, source="127.0.0.1", timeout_s=30):
    parts = urlsplit(service)
    return socket.create_connection((parts.hostname, parts.port), timeout=timeout_s, source_address=(source, 0))


def answer(connection):
    """The status, the headers by their names in lower case, and the body, until the service closes."""
    with connection, connection.makefile("rb") as file:
        head, _, body = file.read().partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split()[1]), headers, body


def ask(service, target, *headers, method="GET", body=b"", source="127.0.0.1"):
    """Send one request with these lines as its headers."""
    lines = [f"{method} {target} HTTP/1.1", *headers, f"Content-Length: {len(body)}", "Connection: close", "", ""]
    connection = connect(service, source=source)
    connection.sendall("\r\n".join(lines).encode("latin-1") + body)
    return answer(connection)


def is_error(body):
    """Whether the body has the shape of every error."""
    return set(json.loads(body)) == {"status", "message", "detail", "errors", "timestamp"}
