"""The script that Ray Serve starts as HAProxy. It corrects the configuration that Ray wrote, then becomes HAProxy.

Called as `haproxy_start.py <haproxy> <host> <connections> <streams> -f <configuration> …`; the numbers are what an
address may hold. The script starts in 30 ms, because it imports only the standard library and modules that do so.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # Python's options -I and -S leave out the folder of the packages.
    sys.path.append(str(Path(__file__).parents[2]))

from actors.ray_internals.haproxy_config import (
    Additions,
    UnknownConfiguration,
    connections,
    corrected,
    prefix_of,
)
from actors.ray_internals.variables import CLIENT_HEADER
from serve_app.ingress import client_rules

PR_SET_PDEATHSIG = 1

#: HAProxy's own error answers, in the API's error format. HAProxy has fixed texts for what has no whole head of a
#: request. No setting changes them.
_ERRORS = {
    400: "This is not a request of HTTP/1.1.",
    408: "The body did not arrive in time. Send it at once.",
    500: "Internal error. See the log of the service.",
    502: "The API ended while it answered; it is being restarted. Try again.",
    503: "The API does not answer; it may be starting. Try again.",
    504: "The API did not answer in time. Try again.",
}
#: of all routes: HAProxy does not know which of them a path has
METHODS = "DELETE, GET, HEAD, POST"
#: those that a rule of ours gives
_REFUSALS = {
    404: "There is no such route; see /docs.",
    405: "This route has no such method; see /docs.",
    429: "This address has too many event streams; end some. See MAX_STREAMS_PER_ADDRESS.",
}
_RETRY_AFTER_S = 2
#: the application of Ray Serve that is the service, as in configs/serve.yaml
_APPLICATION = "rfuav"
_MAY_BE_REPEATED = frozenset({429, 502, 503, 504})


def main(arguments: Sequence[str]) -> None:
    binary, host, most_connections, most_streams, *options = arguments
    file = Path(options[options.index("-f") + 1])
    written = file.read_text(encoding="utf-8")
    try:
        added = _additions(int(most_connections), int(most_streams), connections(written))
        answers = {status: _answer(status, said) for status, said in _ERRORS.items()}
        text = corrected(
            written, address=_address(host), answers=answers, added=added, elsewhere=_elsewhere(written)
        )
    except UnknownConfiguration as error:
        sys.exit(f"Ray Serve configures HAProxy in an unknown way: {error}")
    file.write_text(text, encoding="utf-8")
    # Without this, HAProxy would outlive a killed proxy actor and keep the port.
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.execv(binary, [binary, *options])


def _additions(most_connections: int, most_streams: int, all_connections: int) -> Additions:
    most = client_rules.at_most(most_connections, all_connections)
    refusals = {status: _answer(status, said) for status, said in _REFUSALS.items()}
    header = os.environ.get(CLIENT_HEADER, "")
    rules = client_rules.frontend(most, min(most, most_streams), refusals, header)
    return Additions(client_rules.DEFAULTS, list(rules), client_rules.TABLES)


def _elsewhere(written: str) -> str:
    """The answer beside the prefix of the service. Without the service it may be starting."""
    prefix = prefix_of(_APPLICATION, written)
    return _answer(404, f"There is no such route. The service is below {prefix}.") if prefix else ""


def _address(host: str) -> str:
    if host in ("0.0.0.0", ""):
        return "*"
    return f"[{host}]" if ":" in host else host


def _answer(status: int, said: str) -> str:
    """An answer in HAProxy's words."""
    headers = {"X-Content-Type-Options": "nosniff"}
    if status == 405:
        headers["Allow"] = f'"{METHODS}"'
    if status in _MAY_BE_REPEATED:
        headers["Retry-After"] = str(_RETRY_AFTER_S)
    words = " ".join(f"hdr {name} {value}" for name, value in headers.items())
    time = "%[date,utime(%Y-%m-%dT%H:%M:%SZ)]"
    body = f'{{"status":"error","message":"{said}","detail":"{said}","errors":[],"timestamp":"{time}"}}'
    return f"status {status} content-type application/json lf-string '{body}' {words}"


if __name__ == "__main__":
    main(sys.argv[1:])
