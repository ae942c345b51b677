"""Keys of a running service: who gets in, what a scope allows, keys that come and go, and where keys are not."""

import os

import psutil
import pytest

from serve_app.access.guesses import BURST
from tests.security.conftest import ADMIN, CHOSEN, OTHER, READER, WRITER, Keyed, read_again
from tests.support.service_process import title_of

HIDDEN = ("/", "/docs", "/docs/oauth2-redirect", "/redoc", "/redoc.js", "/openapi.json", "/metrics", "/static")
OPEN = {("get", "/api/v1/health"), ("post", "/api/v1/session")}


def test_keys_every_route_needs_one_but_health_and_the_pages_files(as_nobody, as_admin):
    paths = as_admin.get("/openapi.json").json()["paths"]
    routes = {(method, path) for path, methods in paths.items() for method in methods}
    routes |= {(method, path) for path in HIDDEN for method in ("get", "head", "post", "options")}
    routes |= {("get", "/static-offline-docs/swagger-ui.css"), ("get", "/nowhere"), ("delete", "/nowhere")}
    assert len(routes) > 50
    for method, path in sorted(routes - OPEN):
        answer = as_nobody.request(method, path)
        assert answer.status_code == 401, (method, path)
        if method != "head":
            assert answer.json()["status"] == "error"
    assert as_nobody.post("/api/v1/session", json={"key": "wrong"}).status_code == 401
    assert as_nobody.get("/static/main.js").status_code == 200
    assert as_nobody.get("/", headers={"Accept": "text/html"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "//api/v2/tasks",
        "/api/v2/tasks/",
        "/API/v2/tasks",
        "/static/../api/v2/tasks",
        "/static/%2e%2e/api/v2/tasks",
        "/static//../../api/v2/tasks",
        "/api/v1/health/../../v2/tasks",
        "/api/v1/health/",
        "/api/v2/tasks?path=/static/",
        "/api/v2%2Ftasks",
    ],
)
def test_keys_no_other_way_to_write_a_path_leads_around_them(as_nobody, path):
    assert as_nobody.get(path).status_code in {401, 404}


def test_keys_health_without_one_says_the_version_and_counts_alone(as_nobody, as_reader):
    open_answer = as_nobody.get("/api/v1/health").json()
    counts = {"training_tasks", "inference_tasks", "active_log_streams"}
    assert open_answer.keys() == {"status", "timestamp", "version"} | counts
    assert "active_tasks" in as_reader.get("/api/v1/health").json()["resource_status"]


def test_keys_scopes(as_reader, as_writer, as_other, as_admin, training):
    assert as_reader.post("/api/v2/training/start", json=training()).status_code == 403
    task_id = as_writer.post("/api/v2/training/start", json=training()).json()["task_id"]
    task = f"/api/v2/tasks/{task_id}"
    limits = {"max_concurrent": {"cpu": {"inference": 3}}}
    for http, codes in ((as_reader, (200, 403, 403)), (as_other, (200, 403, 403)), (as_writer, (200, 200, 403))):
        found = (
            http.get(task).status_code,
            http.post(f"{task}/priority", json={"priority": 7}).status_code,
            http.post("/api/v2/resources/config", json=limits).status_code,
        )
        assert found == codes
    for path in (f"{task}/cancel", f"/api/v2/training/{task_id}/stop"):
        refused = as_other.post(path)
        assert refused.status_code == 403 and "'writer'" in refused.json()["message"]
    assert as_writer.post(f"{task}/cancel").status_code == 200
    assert as_other.delete(task).status_code == 403
    assert as_admin.post("/api/v2/resources/config", json=limits).status_code == 200
    assert as_admin.delete(task).status_code == 200


def test_keys_come_and_go_while_the_service_runs(keyed, as_reader):
    with read_again(keyed, as_reader):
        key = keyed.command("key", "new", "guest", "--scope", "read", "--file", str(keyed.key_file))
    with keyed.http(key) as guest, keyed.http(keyed.lasting_key) as lasting:
        assert guest.get("/api/v2/tasks").status_code == 200
        with read_again(keyed, as_reader):
            keyed.command("key", "remove", "guest", "--file", str(keyed.key_file))
        assert guest.get("/api/v2/tasks").status_code == 401
        assert lasting.get("/api/v2/tasks").status_code == 200
        good = keyed.key_file.read_bytes()
        keyed.key_file.write_text("lasting:king:nonsense\n")
        while "The keys stay as they were" not in keyed.app_log.read_text():
            assert lasting.get("/api/v2/tasks").status_code == 200
        keyed.key_file.write_bytes(good)
        assert lasting.get("/api/v2/tasks").status_code == 200 and as_reader.get("/").status_code == 200


def test_keys_are_in_no_process_no_log_and_no_file(keyed, as_admin, tmp_path):
    assert as_admin.get("/api/v2/tasks").status_code == 200
    secrets = [key.encode() for key in (READER, WRITER, OTHER, ADMIN, keyed.lasting_key)]
    # The first two have their environment from the caller. The kernel keeps it as it was at their start.
    processes = [one for one in keyed.processes() if not title_of(one).endswith("-m serve_app serve")]
    assert len(processes) > 5
    texts = {}
    for process in processes:
        try:
            texts[f"command of {process.pid}"] = " ".join(process.cmdline()).encode()
            texts[f"environment of {process.pid}"] = repr(process.environ()).encode()
        except psutil.Error:  # It has ended.
            continue
    folders = [keyed.state_dir, keyed.app_log.parent, keyed.ray_folder]
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for path in (os.path.join(parent, name) for name in names):  # noqa: PTH118
                if os.path.isfile(path):  # noqa: PTH113
                    with open(path, "rb") as file:  # noqa: PTH123
                        texts[path] = file.read()
    assert len(texts) > 30
    found = [where for where, text in texts.items() if any(secret in text for secret in secrets)]
    assert found == []


def test_keys_guessing_is_slow_and_logged_and_keys_in_use_work_on(keyed):
    # Wrong keys are counted by address: no other test uses this one.
    place = "127.0.0.77"
    told = len(keyed.app_log.read_text())
    with keyed.http(READER, place) as reader, keyed.http(source=place) as guesser:
        assert reader.get("/api/v2/tasks").status_code == 200
        codes = []
        for number in range(200):
            codes.append(guesser.get("/api/v2/tasks", headers={"X-API-Key": f"guess-{number}"}).status_code)
        assert codes[:BURST] == [401] * BURST and set(codes) == {401, 429}
        assert codes.count(401) < BURST + 20
        right = guesser.get("/api/v2/tasks", headers={"X-API-Key": WRITER})
        if right.status_code == 429:
            assert int(right.headers["retry-after"]) >= 1
        assert reader.get("/api/v2/tasks").status_code == 200
        assert guesser.get("/api/v2/tasks").status_code == 401
    log = keyed.app_log.read_text()[told:]
    assert f"A wrong key from {place} for GET '/api/v2/tasks'" in log and "Too many wrong keys" in log
    assert log.count("rong key") < 3 * BURST + 40 and "guess-" not in log


def test_keys_a_wrong_setting_stops_the_start_with_a_plain_message(root, tmp_path):
    with Keyed(tmp_path / "wrong", root, api_keys="a:king:secret-key") as service:
        service.launch()
        assert service.wait(60) == 2
        output = service.log.read_text()
        assert "unknown scope" in output and "Traceback" not in output and "secret-key" not in output


def test_keys_are_not_printed_at_the_start(keyed):
    output = keyed.log.read_text()
    assert "is ready" in output and not any(entry.rpartition(":")[2] in output for entry in CHOSEN.split(","))
