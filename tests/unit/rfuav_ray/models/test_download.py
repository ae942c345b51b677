"""Downloads from a server that answers, stops in the middle, or says nothing."""

import hashlib
import socket
import threading
from contextlib import contextmanager, suppress

import pytest

from rfuav_ray.errors import RunCancelled, RunError
from rfuav_ray.models import download as downloads
from rfuav_ray.models.download import download

CONTENT = bytes(range(256)) * 5000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(CONTENT)


@contextmanager
def server(answer, *, closes=True):
    """A server that gives each client these bytes. It closes the connection, or leaves it open and is silent."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        clients = []

        def serve():
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                clients.append(client)
                with suppress(OSError):  # the client does not wait for the end
                    client.recv(65536)
                    client.sendall(answer)
                if closes:
                    client.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/weights.pth"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for client in clients:
                client.close()


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "cache" / "weights.pth"


def test_download_a_file_is_complete_and_told_of(file):
    events = []
    with server(HEAD + CONTENT) as url:
        download(url, file, sha256_start=SHA256[:8], report=events.append)
    assert file.read_bytes() == CONTENT
    assert events[0].message == f"Downloading weights.pth from 127.0.0.1 into '{file.parent}'."
    assert len(events) > 1 and not any(event.message for event in events[1:])


@pytest.mark.parametrize("answer", [b"", HEAD[:20], HEAD + CONTENT[:70_000]])
def test_download_a_server_that_falls_silent_ends_it(file, monkeypatch, answer):
    monkeypatch.setattr(downloads, "TIMEOUT_S", 0.2)
    with (
        server(answer, closes=False) as url,
        pytest.raises(
            RunError, match=r"^weights\.pth cannot be downloaded from 127\.0\.0\.1: no answer within 0\.2 s"
        ),
    ):
        download(url, file)
    assert list(file.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (HEAD + CONTENT[:-1], "cut off or damaged"),
        (HEAD + CONTENT[::-1], "cut off or damaged"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "404"),
        (b"SSH-2.0-OpenSSH\r\n", "SSH"),
        (b"", "closed"),
    ],
)
def test_download_an_answer_that_is_not_the_file_is_refused(file, answer, reason):
    with server(answer) as url, pytest.raises(RunError, match=rf"weights\.pth .*from 127\.0\.0\.1.*{reason}"):
        download(url, file, sha256_start=SHA256[:8])
    assert list(file.parent.iterdir()) == []


def test_download_a_cancel_ends_it(file):
    def cancel(event):
        if not event.message:
            raise RunCancelled

    with server(HEAD + CONTENT) as url, pytest.raises(RunCancelled):
        download(url, file, report=cancel)
    assert list(file.parent.iterdir()) == []


def test_download_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "cache").touch()
    with pytest.raises(RunError, match="cache"):
        download("http://127.0.0.1:9/weights.pth", tmp_path / "cache" / "weights.pth")
