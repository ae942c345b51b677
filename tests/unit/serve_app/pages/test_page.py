"""The page's files and the files of tasks, as the API answers them."""

import os

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rfuav_ray.settings import Settings
from serve_app.access.door import Door
from serve_app.error_answers import add_error_handlers
from serve_app.gateway import Service
from serve_app.middleware.key_check import KeyCheck
from serve_app.pages import docs, index
from serve_app.pages.page import add_page
from serve_app.routes import artifacts, files
from serve_app.view.task_view import TaskView
from tests.support.actor_handles import no_streams
from tests.support.sample_tasks import a_row

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def folder(tmp_path):
    return tmp_path.resolve()


@pytest.fixture
def client(folder):
    """Of an API with a training that has written one file, and a data set."""
    (folder / "runs" / "one").mkdir(parents=True)
    (folder / "runs" / "one" / "report.json").write_text("{}")
    (folder / "runs" / "one" / "secret.txt").write_text("not of the task")
    (folder / "picture.png").write_bytes(b"png")
    view = TaskView()
    view.put(a_row(1, request={"save_path": str(folder / "runs"), "name": "one"}))
    view.put(a_row(2, kind="split", request={"input_path": "/a", "output_path": str(folder / "parts")}))
    settings = Settings(_env_file=None, data_roots=[folder], state_dir=folder / "state")
    app = FastAPI()
    for group in (artifacts, files, index):
        app.include_router(group.router)
    add_page(app)
    docs.add_programs(app)
    add_error_handlers(app)
    app.state.service = Service(settings, view, no_streams(), task_manager_actor=None)
    return TestClient(app)


@pytest.fixture
def door(folder):
    return Door(Settings(_env_file=None, api_keys="secret", state_dir=folder / "state"))


def test_page_a_browser_gets_the_page_and_a_program_the_index(client):
    page = client.get("/", headers=BROWSER)
    assert page.headers["content-type"].startswith("text/html") and "main.js" in page.text
    assert client.get("/").json()["name"] == "rfuav-ray"


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/static/page.css", "/static/panels/tasks.js"])
def test_page_the_pages_files_may_load_nothing_from_elsewhere(client, path):
    answer = client.get(path, headers=BROWSER)
    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200 and "default-src 'none'" in policy and "unsafe" not in policy


@pytest.mark.parametrize("path", ["/static/../api.py", "/static/%2e%2e/api.py", "/static/unknown.js"])
def test_page_nothing_but_the_pages_files_is_given_out(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/static-offline-docs/swagger-ui.css"])
def test_page_a_part_of_a_file_is_sent_and_a_wrong_one_refused_in_the_one_shape(client, path):
    whole = client.get(path, headers=BROWSER)
    part = client.get(path, headers=BROWSER | {"Range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, whole.content[1:4])
    for asked in ("bytes=99999999-", "bytes=a-b"):
        refused = client.get(path, headers=BROWSER | {"Range": asked})
        assert refused.status_code == 416 and refused.json()["status"] == "error"
        assert refused.headers["content-range"] == f"bytes */{len(whole.content)}"


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/static", 404),
        ("GET", "/static/", 404),
        ("GET", "/static/panels", 404),
        ("GET", "/static/%00", 404),
        ("GET", f"/static/{'a' * 5000}", 404),
        ("POST", "/static/main.js", 405),
        ("OPTIONS", "/static-offline-docs/swagger-ui.css", 405),
        ("GET", "/static-offline-docs/../core.py", 404),
    ],
)
def test_page_other_answers_about_files_are_errors_in_the_one_shape(client, method, path, code):
    answer = client.request(method, path)
    assert answer.status_code == code and answer.json()["status"] == "error"


@pytest.mark.parametrize("path", ["/static/main.js", "/static-offline-docs/swagger-ui.css"])
def test_page_files_that_a_browser_has_are_not_sent_again(client, path):
    etag = client.get(path).headers["etag"]
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 304


def test_page_with_keys_the_page_is_open_and_the_api_is_not(client, door):
    client = TestClient(KeyCheck(client.app, door))
    assert client.get("/", headers=BROWSER).status_code == 200
    assert client.get("/static/main.js").status_code == 200
    for path in ("/", "/api/v2/files", "/api/v2/tasks/task-1/artifacts", "/static"):
        assert client.get(path).status_code == 401


@pytest.mark.parametrize("order", [1, -1])
def test_page_who_sends_two_accept_headers_gets_without_a_key_at_most_the_page(client, door, order):
    headers = [("accept", "application/json"), ("accept", "text/html")][::order]
    answer = TestClient(KeyCheck(client.app, door)).get("/", headers=headers)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")


def test_page_the_files_of_a_task(client, folder):
    answer = client.get("/api/v2/tasks/task-1/artifacts").json()
    assert answer["folder"] == str(folder / "runs" / "one")
    assert [(one["name"], one["size_bytes"]) for one in answer["artifacts"]] == [("report.json", 2)]
    file = client.get(answer["artifacts"][0]["url"])
    assert file.text == "{}" and "attachment" in file.headers["content-disposition"]


@pytest.mark.parametrize("name", ["secret.txt", "best_model.pth", "..%2Fpicture.png"])
def test_page_only_what_the_task_has_made_is_given_out(client, name):
    assert client.get(f"/api/v2/tasks/task-1/artifacts/{name}").status_code == 404


def test_page_a_task_that_has_made_nothing_yet_has_no_files(client):
    assert client.get("/api/v2/tasks/task-2/artifacts").json()["artifacts"] == []


def test_page_a_request_is_shown_as_it_was_accepted(client, folder):
    assert client.get("/api/v2/tasks/task-1/request").json() == {"save_path": str(folder / "runs"), "name": "one"}


def test_page_images_below_the_roots_are_shown_and_nothing_else(client, folder):
    assert client.get("/api/v2/files/image", params={"path": "picture.png"}).content == b"png"
    for path, code in (("runs/one/report.json", 422), ("gone.png", 422), ("/etc/passwd", 403)):
        assert client.get("/api/v2/files/image", params={"path": path}).status_code == code


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a.png", "inline"),
        ("A.PNG", "inline"),
        ("a.jpeg", "inline"),
        ("a.webp", "inline"),
        ("a.bmp", "attachment"),
        ("a.tiff", "attachment"),
        ('<img src=x onerror=alert(1)>".png', "inline"),
        ("a.html.png", "inline"),
    ],
)
def test_page_browsers_show_only_images_that_cannot_hold_a_script(client, folder, name, shown):
    (folder / name).write_bytes(b"<svg onload=alert(1)>")
    answer = client.get("/api/v2/files/image", params={"path": name})
    assert answer.headers["content-disposition"].startswith(f"{shown}; filename")
    assert answer.headers["content-type"].startswith("image/")


@pytest.mark.parametrize("name", ["a.svg", "a.html", "a.png.svg", "a.xml", "a.pdf"])
def test_page_documents_are_no_images(client, folder, name):
    (folder / name).write_bytes(b"<svg onload=alert(1)>")
    assert client.get("/api/v2/files/image", params={"path": name}).status_code == 422


@pytest.mark.parametrize("path", ["\0", "pipe"])
def test_page_a_path_that_is_none_and_one_that_would_wait_are_refused(client, folder, path):
    os.mkfifo(folder / "pipe")
    for route in ("/api/v2/files", "/api/v2/files/image"):
        assert client.get(route, params={"path": path}).status_code == 422
