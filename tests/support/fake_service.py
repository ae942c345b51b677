"""A real HTTP server on a free port that plays the service: what it answers is said by each test."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from rfuav_ray.client import AsyncRFUAVClient
from rfuav_ray.machine.ports import free_port
from serve_app.command.console import main
from tests.support.http_server import serving

#: the client's pauses between tries
NO_WAIT = (0.0, 0.0, 0.0, 0.0)
LOGS = "GET /api/v2/tasks/t1/logs"


Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Received:
    route: str
    query: str
    headers: dict[str, str]
    body: Any


@dataclass
class FakeService:
    url: str = ""
    requests: list[Received] = field(default_factory=list)
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    #: set at the end of the test, so that streams that hang end
    is_over: threading.Event = field(default_factory=threading.Event)

    def on(self, route: str, *replies: Any) -> None:
        """The answers to `GET /path`, in this order; the last one is given again and again."""
        self.replies[route] = [reply if callable(reply) else answer(reply) for reply in replies]

    def routes(self) -> list[str]:
        return [request.route for request in self.requests]

    def hang(self, *chunks: bytes) -> Reply:
        """A stream that says this and then nothing more."""

        def reply(handler: BaseHTTPRequestHandler) -> None:
            _begin_stream(handler)
            for chunk in chunks:
                _send_chunk(handler, chunk)
            self.is_over.wait()

        return reply

    def say_nothing(self, handler: BaseHTTPRequestHandler) -> None:
        self.is_over.wait()


@contextmanager
def running_service() -> Iterator[FakeService]:
    service = FakeService()
    with serving(_handler_for(service)) as port:
        service.url = f"http://127.0.0.1:{port}"
        try:
            yield service
        finally:
            service.is_over.set()


def free_url() -> str:
    """An address where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


def answer(body: Any, status: int = 200, content_type: str = "application/json") -> Reply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return reply


def refuse(status: int, message: str, detail: Any = None, errors: Any = None) -> Reply:
    body = {"status": "error", "message": message, "detail": detail, "timestamp": "2026-01-01T00:00:00Z"}
    body |= {"errors": [] if errors is None else errors}
    return answer(body, status)


def stream(*chunks: bytes, broken: bool = False) -> Reply:
    """An event stream; a broken one ends without the proper end of its transfer."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        _begin_stream(handler)
        for chunk in chunks:
            _send_chunk(handler, chunk)
        if not broken:
            handler.wfile.write(b"0\r\n\r\n")

    return reply


def event(sequence: int, message: str, **fields: Any) -> bytes:
    entry = {"timestamp": "2026-01-01T12:00:00Z", "level": "INFO", "message": message, **fields}
    return f"id: {sequence}\ndata: {json.dumps(entry, ensure_ascii=False)}\n\n".encode()


def last_event(sequence: int, status: str = "completed") -> bytes:
    return event(sequence, f"Task {status}.", stage="completed", status=status)


def task(task_id: str = "t1", **fields: Any) -> dict[str, Any]:
    """A TaskResponse."""
    return {
        "task_id": task_id,
        "task_type": "training",
        "status": "completed",
        "message": "Done.",
        "progress": 100.0,
        "device": "cpu",
        "priority": 5,
        "current_epoch": None,
        "total_epochs": None,
        "latest_metrics": None,
        "created_at": "2026-01-01T12:00:00Z",
        "updated_at": "2026-01-01T12:00:00Z",
        "description": None,
        "queue_position": None,
        "eta_seconds": None,
        "error": None,
        "result": None,
        **fields,
    }


def preprocessing(task_id: str = "t1", **fields: Any) -> dict[str, Any]:
    """A PreprocessingResponse."""
    return {
        "task_id": task_id,
        "task_type": "split",
        "status": "completed",
        "message": "Done.",
        "progress": 100.0,
        "input_path": "/in",
        "output_path": "/out",
        "stats": None,
        "created_at": "2026-01-01T12:00:00Z",
        "updated_at": "2026-01-01T12:00:00Z",
        **fields,
    }


def ask_from(folder: Path, service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands work in this folder and ask this service, without a key."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("RFUAV_API_KEY", raising=False)
    monkeypatch.setenv("RFUAV_URL", service.url)


def run_command(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[Any, str, str]:
    """A command line's exit status, output and errors."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return ended.value.code or 0, captured.out, captured.err


def _begin_stream(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream; charset=utf-8")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.send_header("Connection", "close")
    handler.end_headers()


def _send_chunk(handler: BaseHTTPRequestHandler, chunk: bytes) -> None:
    handler.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
    handler.wfile.flush()


def _handler_for(service: FakeService) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path, _, query = self.path.partition("?")
            route = f"{self.command} {path}"
            received = Received(route, query, dict(self.headers), json.loads(body) if body else None)
            with lock:
                service.requests.append(received)
                replies = service.replies.get(route) or [refuse(404, f"no route {route}")]
                reply = replies.pop(0) if len(replies) > 1 else replies[0]
            reply(self)

        def do_GET(self) -> None:
            self._reply()

        def do_POST(self) -> None:
            self._reply()

        def do_DELETE(self) -> None:
            self._reply()

        def log_message(self, *_: Any) -> None:
            """Not to the test's output."""

    return Handler


async def with_async_client(service, use):
    async with AsyncRFUAVClient(service.url, retry_delays_s=NO_WAIT) as client:
        return await use(client)
