"""The script that Ray Serve starts as HAProxy. It corrects the configuration that Ray wrote, then becomes HAProxy.

Called as `haproxy_start.py <haproxy> <host> -f <configuration> …`. The script starts in 30 ms, because it
imports only the standard library.
"""

import ctypes
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1

#: HAProxy's own error answers, in the API's error format
_ERRORS = {
    500: "Internal error. See the log of the service.",
    502: "The API ended while it answered; it is being restarted. Try again.",
    503: "The API does not answer; it may be starting. Try again.",
    504: "The API did not answer in time. Try again.",
}
_RETRY_AFTER_S = 2


def main(arguments: Sequence[str]) -> None:
    binary, host, *options = arguments
    file = Path(options[options.index("-f") + 1])
    file.write_text(corrected(file.read_text(encoding="utf-8"), host), encoding="utf-8")
    # Without this, HAProxy would outlive a killed proxy actor and keep the port.
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.execv(binary, [binary, *options])


def corrected(configuration: str, host: str) -> str:
    """Correct a configuration of HAProxy.

    Only the API listens, on `host`. Errors have the API's format. Requests are not logged.
    """
    sections = re.split(r"^(?=\S)", configuration, flags=re.MULTILINE)
    return "".join(_section(text, host) for text in sections)


def _section(text: str, host: str) -> str:
    name = text.partition("\n")[0].strip()
    if name in ("frontend prometheus", "listen stats"):
        return ""
    if name == "global":  # Ray logs every request to a syslog, which most machines lack.
        return _without(text, "log ")
    if name == "defaults":
        return _without(text, "errorfile ") + "".join(map(_error, _ERRORS))
    if name == "frontend http_frontend":
        # Watching for the client's disconnect takes a tenth of a read's time, so Serve watches log requests only.
        unwatched = "    http-request set-header x-request-disconnect-disabled ?1 if !{ path_end /logs }\n"
        return re.sub(r"^( *bind ).*:(\d+)", rf"\g<1>{_address(host)}:\2", text, flags=re.MULTILINE) + unwatched
    if name == "backend default_backend":  # HAProxy uses it while there is no API.
        return f"{name}\n    http-request return {_answer(503)}\n"
    return text


def _without(text: str, word: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.lstrip().startswith(word))


def _address(host: str) -> str:
    if host in ("0.0.0.0", ""):
        return "*"
    return f"[{host}]" if ":" in host else host


def _error(status: int) -> str:
    return f"    http-error {_answer(status)}\n"


def _answer(status: int) -> str:
    time = "%[date,utime(%Y-%m-%dT%H:%M:%SZ)]"
    said = f'"message":"{_ERRORS[status]}","detail":"{_ERRORS[status]}"'
    body = f'{{"status":"error",{said},"errors":[],"timestamp":"{time}"}}'
    retry = f" hdr Retry-After {_RETRY_AFTER_S}" if status > 500 else ""
    return f"status {status} content-type application/json lf-string '{body}'{retry}"


if __name__ == "__main__":
    main(sys.argv[1:])
