"""What HAProxy lets clients do: how long a request may take to arrive, and how much one address may hold.

HAProxy starts through this module, so it imports only the standard library.
"""

from collections.abc import Iterator, Mapping

#: for the head of a request, and for its body as far as it fits into HAProxy's buffer
REQUEST_WITHIN_S = 10
#: One address leaves so many of HAProxy's connections to the others.
LEFT_TO_OTHERS = 0.25
#: a client: an address, or all IPv6 addresses of one network, of which each machine may use any
_CLIENT = "src,ipmask(32,64)"
_METHODS = "GET HEAD POST PUT PATCH DELETE OPTIONS"
#: HAProxy keeps its counts in tables, and tables in backends.
_CONNECTIONS, _STREAMS = "rfuav-connections", "rfuav-streams"
_TABLE = "    stick-table type ipv6 size 100k expire 1m store conn_cur\n"

TABLES = f"backend {_CONNECTIONS}\n{_TABLE}backend {_STREAMS}\n{_TABLE}"

DEFAULTS = (
    f"timeout http-request {REQUEST_WITHIN_S}s",
    # The time counts for the body, too.
    "option http-buffer-request",
    # A browser opens connections in advance. It would take a 408 for the answer to its next request.
    "option http-ignore-probes",
)


def at_most(wanted: int, all_connections: int) -> int:
    """How much one address may hold of HAProxy's connections, if `wanted` is what the operator allows."""
    return min(wanted, int(all_connections * (1 - LEFT_TO_OTHERS)))


def frontend(connections: int, streams: int, answers: Mapping[int, str], address_header: str) -> Iterator[str]:
    """The rules for requests, one by one.

    Args:
        connections: How many connections one address may hold.
        streams: How many of them may be event streams.
        answers: HAProxy's own error answers by status, in HAProxy's words.
        address_header: The header in which the API gets the client's address; "" for none.
    """
    yield f"tcp-request connection track-sc0 {_CLIENT} table {_CONNECTIONS}"
    # Without an answer: a client that opens thousands of connections does not read them.
    yield f"tcp-request connection reject if {{ sc0_conn_cur({_CONNECTIONS}) gt {connections} }}"
    # The server of the replicas would refuse other methods in words of its own.
    yield f"http-request return {answers[405]} unless {{ method {_METHODS} }}"
    # HAProxy would say of them that the API does not answer.
    yield f"http-request return {answers[404]} unless {{ path_beg / }}"
    # That server would also refuse WebSockets, before the API sees who asks. Without this they are plain requests.
    yield "http-request del-header upgrade"
    # As the API reads the path: decoded. A prefix may be before it.
    yield "acl rfuav-stream path,url_dec -m end /logs"
    yield "acl rfuav-stream path,url_dec -m end /api/v2/events"
    yield f"http-request track-sc1 {_CLIENT} table {_STREAMS} if rfuav-stream"
    over = f"{{ sc1_conn_cur({_STREAMS}) gt {streams} }}"
    yield f"http-request return {answers[429]} if rfuav-stream {over}"
    # Serve then watches only streams for clients that leave. That takes a tenth of a read's time.
    yield "http-request del-header x-request-disconnect-disabled"
    yield "http-request set-header x-request-disconnect-disabled ?1 unless rfuav-stream"
    # The replicas' server would take it for the client's address.
    yield "http-request del-header x-forwarded-for"
    if address_header:
        yield f"http-request set-header {address_header} %[src]"
