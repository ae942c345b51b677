"""Keys that change while requests with them are under way, and key files in a state that no one wants."""

import itertools
import re
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from serve_app.access.key_file import add_key, remove_key
from serve_app.access.scopes import Scope
from tests.security.conftest import read_again
from tests.support.raw_http import answer, connect, is_error

PATH = "/api/v2/tasks"
_NUMBERS = itertools.count(1)


@pytest.fixture
def guest(keyed, as_reader, request):
    """The name of a key of the file, and the key."""
    name = re.sub(r"\W", "-", request.node.name)[-40:]
    with read_again(keyed, as_reader):
        key = add_key(keyed.key_file, name, Scope.WRITE)
    before = keyed.key_file.read_bytes()
    yield name, key
    if keyed.key_file.is_dir():
        keyed.key_file.rmdir()
    keyed.key_file.write_bytes(before)
    keyed.key_file.chmod(0o600)
    remove_key(keyed.key_file, name)


@pytest.fixture
def source():
    """An address of this test's own: wrong keys are counted by address."""
    return f"127.0.1.{next(_NUMBERS)}"


def test_key_races_a_key_is_removed_under_requests_of_several_clients(keyed, as_reader, source, guest):
    """Each is answered with or without the rights of the key. None fails, and none is let in afterwards."""
    name, key = guest

    def ask(_):
        with keyed.http(key, source) as http:
            codes = [http.get(PATH).status_code]
            while codes[-1] == 200:
                codes.append(http.get(PATH).status_code)
            return codes

    with ThreadPoolExecutor(4) as threads:
        asked = threads.map(ask, range(4))
        with read_again(keyed, as_reader):
            remove_key(keyed.key_file, name)
        assert all(codes[-1] == 401 for codes in asked)
    with keyed.http(key, source) as http:
        assert [http.get(PATH).status_code for _ in range(4)] == [401] * 4


def test_key_races_a_request_whose_body_is_under_way_is_finished_and_the_next_one_refused(
    keyed, as_reader, source, guest
):
    name, key = guest
    host = httpx2.URL(keyed.url).netloc.decode()
    # Larger than HAProxy's buffer: the replica has let it in before its end.
    body = b'{"priority": 1' + b" " * 100_000 + b"}"
    head = f"POST {PATH}/none/priority HTTP/1.1\r\nHost: {host}\r\nX-API-Key: {key}\r\nConnection: close\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection = connect(keyed.url)
    connection.sendall(head.encode() + body[:50_000])
    with read_again(keyed, as_reader):
        remove_key(keyed.key_file, name)
    connection.sendall(body[50_000:])
    code, _, said = answer(connection)
    # 401: HAProxy had not passed its begin on.
    assert code in {404, 401} and is_error(said)
    with keyed.http(key, source) as http:
        assert http.post(f"{PATH}/none/priority", json={"priority": 1}).status_code == 401


@pytest.mark.parametrize("way", ["key", "sign-in"])
@pytest.mark.parametrize("stream", ["/api/v2/events", "/api/v2/tasks/{task_id}/logs"])
def test_key_races_an_event_stream_ends_with_its_key(
    keyed, as_reader, as_writer, source, guest, training, way, stream
):
    name, key = guest
    task_id = as_writer.post("/api/v2/training/start", json=training()).json()["task_id"]
    with keyed.http(key if way == "key" else None, source) as http, keyed.http(keyed.lasting_key) as lasting:
        if way == "sign-in":
            assert http.post("/api/v1/session", json={"key": key}).status_code == 200
        headers = {"Accept": "text/event-stream"}
        path = stream.format(task_id=task_id)
        with (
            http.stream("GET", path, headers=headers) as own,
            lasting.stream("GET", path, headers=headers) as other,
        ):
            assert own.status_code == other.status_code == 200
            own_lines, other_lines = own.iter_lines(), other.iter_lines()
            assert next(own_lines) and next(other_lines)
            with read_again(keyed, as_reader):
                remove_key(keyed.key_file, name)
            later = f"later-than-{name}"
            assert as_writer.post("/api/v2/training/start", json=training(task_id=later)).status_code == 200
            as_writer.post(f"/api/v2/tasks/{task_id}/cancel")
            # It ends, and has nothing of what came later. The other goes on.
            news = later if path == "/api/v2/events" else '"stage":"completed"'
            assert news not in "".join(own_lines).replace(" ", "")
            assert any(news in line.replace(" ", "") for line in other_lines)
        assert http.get(PATH).status_code == 401


def test_key_races_two_rotations_at_once_both_count(keyed, source):
    old = {name: add_key(keyed.key_file, name, Scope.READ) for name in ("first-rotated", "second-rotated")}

    def rotate(name):
        keyed.command("key", "remove", name, "--file", str(keyed.key_file))
        return keyed.command("key", "new", name, "--scope", "read", "--file", str(keyed.key_file))

    with ThreadPoolExecutor(2) as threads:
        new = list(threads.map(rotate, old))
    for key in new:
        with keyed.http(key, source) as http:
            # 401 until the file was read again, 429 after ten of them
            while http.get(PATH).status_code != 200:
                continue
    for name, key in old.items():
        with keyed.http(key, source) as http:
            assert http.get(PATH).status_code in {401, 429}
        remove_key(keyed.key_file, name)


@pytest.mark.parametrize("half", ["in a line", "without a mode", "folder"])
def test_key_races_a_file_that_cannot_be_read_changes_nothing_until_it_can(keyed, as_reader, source, guest, half):
    """Then what has changed in it counts, also if only its mode was mended."""
    name, key = guest
    good, path = keyed.key_file.read_bytes(), keyed.key_file
    without = b"".join(line for line in good.splitlines(keepends=True) if not line.startswith(name.encode()))
    warned = keyed.app_log.read_text().count("The keys stay as they were")
    with keyed.http(key, source) as http:
        assert http.get(PATH).status_code == 200
        if half == "in a line":
            path.write_bytes(without + good.splitlines()[-1][:-20])
        elif half == "without a mode":
            path.chmod(0o644)
            path.write_bytes(without)
        else:
            path.unlink()
            path.mkdir()
        while keyed.app_log.read_text().count("The keys stay as they were") < warned + 2:
            assert http.get(PATH).status_code == 200
        with read_again(keyed, as_reader):
            if half == "in a line":
                path.write_bytes(without)
            elif half == "folder":
                path.rmdir()
                path.write_bytes(without)
            path.chmod(0o600)
        assert http.get(PATH).status_code == 401
    with keyed.http(keyed.lasting_key) as http:
        assert http.get(PATH).status_code == 200


def test_key_races_an_empty_file_has_no_keys_and_the_others_stay(keyed, as_reader, source):
    good = keyed.key_file.read_bytes()
    with keyed.http(keyed.lasting_key, source) as http:
        assert http.get(PATH).status_code == 200
        with read_again(keyed, as_reader):
            keyed.key_file.write_bytes(b"")
        assert http.get(PATH).status_code == 401 and as_reader.get(PATH).status_code == 200
        with read_again(keyed, as_reader):
            keyed.key_file.write_bytes(good)
        assert http.get(PATH).status_code == 200
