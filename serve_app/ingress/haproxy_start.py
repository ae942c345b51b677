"""The script that Ray Serve starts as HAProxy. It corrects the configuration that Ray wrote, then becomes HAProxy.

Called as `haproxy_start.py <haproxy> <host> -f <configuration> …`. The script starts in 30 ms, because it
imports only the standard library and one module.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # Python's options -I and -S leave out the folder of the packages.
    sys.path.append(str(Path(__file__).parents[2]))

from actors.ray_internals.haproxy_config import UnknownConfiguration, corrected

PR_SET_PDEATHSIG = 1

#: HAProxy's own error answers, in the API's error format
_ERRORS = {
    500: "Internal error. See the log of the service.",
    502: "The API ended while it answered; it is being restarted. Try again.",
    503: "The API does not answer; it may be starting. Try again.",
    504: "The API did not answer in time. Try again.",
}
_RETRY_AFTER_S = 2
#: the end of the paths of event streams: they end when their client leaves
_STREAMS = "/logs"


def main(arguments: Sequence[str]) -> None:
    binary, host, *options = arguments
    file = Path(options[options.index("-f") + 1])
    answers = {status: _answer(status) for status in _ERRORS}
    written = file.read_text(encoding="utf-8")
    try:
        text = corrected(written, address=_address(host), answers=answers, watched=_STREAMS)
    except UnknownConfiguration as error:
        sys.exit(f"Ray Serve configures HAProxy in an unknown way: {error}")
    file.write_text(text, encoding="utf-8")
    # Without this, HAProxy would outlive a killed proxy actor and keep the port.
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.execv(binary, [binary, *options])


def _address(host: str) -> str:
    if host in ("0.0.0.0", ""):
        return "*"
    return f"[{host}]" if ":" in host else host


def _answer(status: int) -> str:
    time = "%[date,utime(%Y-%m-%dT%H:%M:%SZ)]"
    said = f'"message":"{_ERRORS[status]}","detail":"{_ERRORS[status]}"'
    body = f'{{"status":"error",{said},"errors":[],"timestamp":"{time}"}}'
    retry = f" hdr Retry-After {_RETRY_AFTER_S}" if status > 500 else ""
    return f"status {status} content-type application/json lf-string '{body}'{retry}"


if __name__ == "__main__":
    main(sys.argv[1:])
