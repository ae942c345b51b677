"""Several requests on one connection, and requests hidden in others: each is answered by its own rights."""

import json
import re

import httpx2
import pytest

from tests.security.conftest import ADMIN, READER, WRITER
from tests.support.raw_http import connect

#: Wrong keys are counted by address.
SOURCE = "127.0.0.4"
#: that of a request which only `admin` may send
BODY = json.dumps({"max_concurrent": {"cpu": {"inference": 9}}}).encode()


@pytest.fixture
def lines(keyed):
    """A request as bytes."""
    host = f"Host: {httpx2.URL(keyed.url).netloc.decode()}"

    def made(first, key, *headers, body=b"", length=True):
        keys = [f"X-API-Key: {key}"] if key else []
        lengths = [f"Content-Length: {len(body)}"] if length else []
        return "\r\n".join([first, host, *keys, *lengths, *headers, "", ""]).encode("latin-1") + body

    return made


@pytest.fixture
def change(lines):
    """A request that only `admin` may send, the last one of its connection."""
    headers = ("Content-Type: application/json", "Connection: close")

    def made(key):
        return lines("POST /api/v2/resources/config HTTP/1.1", key, *headers, body=BODY)

    return made


def codes(keyed, data):
    """The statuses of the answers, until the service closes the connection."""
    with connect(keyed.url, source=SOURCE) as connection:
        connection.sendall(data)
        with connection.makefile("rb") as file:
            return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d+)", file.read())]


def test_pipelining_each_request_has_the_rights_of_its_own_key(keyed, lines, change):
    session = "GET /api/v1/session HTTP/1.1"
    keys = (READER, None, ADMIN, "wrong", None, WRITER)
    asked = b"".join(lines(session, key) for key in keys)
    assert codes(keyed, asked + change(WRITER)) == [200, 401, 200, 401, 401, 200, 403]
    assert codes(keyed, lines(session, ADMIN) + change(None)) == [200, 401]
    assert codes(keyed, lines(session, None) + change(ADMIN)) == [401, 200]


@pytest.mark.parametrize("first", ["GET /api/v1/session HTTP/1.1", "GET /static/main.js HTTP/1.1"])
def test_pipelining_the_body_of_a_read_is_no_request(keyed, lines, change, first):
    hidden = lines(first, READER, body=change(ADMIN))
    assert codes(keyed, hidden + lines(first, READER, "Connection: close")) == [200, 200]


#: what two servers may read in two ways: the end of a body
UNCLEAR = (
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: CHUNKED",
    "Transfer-Encoding:\tchunked",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunked;q=1",
    'Transfer-Encoding: "chunked"',
    "Transfer-Encoding: \x0bchunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    "Transfer-Encoding: chunked\n",
    "X: y\r\n Transfer-Encoding: chunked",
    "Transfer_Encoding: chunked",
    "Content-Length: 3",
    "Content-Length: +3",
    "Content-Length: 0x3",
    "Content-Length: -1",
    "Content-Length:",
)


@pytest.mark.parametrize("unclear", UNCLEAR)
def test_pipelining_a_hidden_request_is_not_answered(keyed, as_admin, lines, change, unclear):
    """HAProxy sees none, or one whose end is where the replica sees it."""
    before = as_admin.get("/api/v2/resources").json()["limits"]
    hidden = b"0\r\n\r\n" + change(ADMIN)
    outer = lines("POST /api/v2/tasks/none/cancel HTTP/1.1", WRITER, unclear, body=hidden)
    after = lines("GET /api/v1/session HTTP/1.1", READER, "Connection: close")
    code, *more = codes(keyed, outer + after)
    assert code in {400, 404, 422} and more in ([], [200])
    assert as_admin.get("/api/v2/resources").json()["limits"] == before


@pytest.mark.parametrize(
    "size", ["5;x\nGET", "0x5", "-1", "ffffffffffffffffff", "5\n", "0\r\nTransfer-Encoding: x"]
)
def test_pipelining_a_wrong_chunk_ends_the_connection(keyed, lines, change, size):
    chunked = f'{size}\r\n{{"a":\r\n0\r\n\r\n'.encode() + change(ADMIN)
    outer = lines(
        "POST /api/v2/tasks/none/cancel HTTP/1.1", WRITER, "Transfer-Encoding: chunked", body=chunked, length=False
    )
    assert codes(keyed, outer) == [400]


@pytest.mark.parametrize("other", ["Host: evil.test", "Host: localhost"])
def test_pipelining_a_second_host_is_refused(keyed, lines, other):
    assert codes(keyed, lines("GET /api/v1/session HTTP/1.1", READER, other)) == [400]
