"""What can be wrong on the way to object storage: latency, cut connections, refusals, objects that change."""

import http.client
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

_REFUSAL = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>The tests say so: {key}</Message></Error>"


class ObjectWay:
    """A context manager: an HTTP server that passes requests on to object storage."""

    def __init__(self, url: str, *, latency_s: float = 0) -> None:
        self._target = urlsplit(url).netloc
        self.latency_s = latency_s
        #: the number of coming answers that are cut in their middle
        self.cuts_left = 0
        #: which objects' answers those are
        self.cut_suffix = ""
        #: the code of the error that every request gets, or every one with these methods
        self.refusal = ""
        self.refused_methods = ("GET", "HEAD", "PUT", "POST", "DELETE")
        #: is called before each request is passed on, with its method and path
        self.before: Callable[[str, str], None] = lambda _method, _path: None
        self.requests: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        way = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self) -> None:
                way.pass_on(self)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on  # noqa: N815

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._server.shutdown()
        self._server.server_close()

    def pass_on(self, handler: BaseHTTPRequestHandler) -> None:
        method, path = handler.command, handler.path
        body = _body_of(handler)
        with self._lock:
            self.requests.append((method, path))
            is_cut = self.cuts_left > 0 and method == "GET" and path.endswith(self.cut_suffix)
            self.cuts_left -= is_cut
        self.before(method, path)
        self._is_over.wait(self.latency_s)
        if self.refusal and method in self.refused_methods:
            text = _REFUSAL.format(code=self.refusal, key=handler.headers.get("Authorization", "")).encode()
            _answer(handler, 403, {"Content-Type": "application/xml"}, text)
            return
        connection = http.client.HTTPConnection(self._target)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in handler.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        headers = {name: value for name, value in answer.getheaders() if name.lower() != "transfer-encoding"}
        _answer(handler, answer.status, headers, content, is_cut=is_cut)
        connection.close()


def _body_of(handler: BaseHTTPRequestHandler) -> bytes:
    if handler.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    raw = b""  # as it came: the headers, which say that it has chunks, are passed on, too
    while True:
        line = handler.rfile.readline()
        raw += line + handler.rfile.read(int(line.split(b";")[0], 16))
        if int(line.split(b";")[0], 16) == 0:
            while (trailer := handler.rfile.readline()) not in {b"\r\n", b""}:
                raw += trailer
            return raw + b"\r\n"
        raw += handler.rfile.readline()


def _answer(
    handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], content: bytes, *, is_cut: bool = False
) -> None:
    handler.send_response_only(status)
    given = {name.lower() for name in headers}
    for name, value in headers.items():
        handler.send_header(name, value)
    if "content-length" not in given:
        handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    if handler.command == "HEAD":
        return
    handler.wfile.write(content[: len(content) // 2] if is_cut else content)
    handler.close_connection = handler.close_connection or is_cut
