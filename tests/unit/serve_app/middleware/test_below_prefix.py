"""Below a prefix of Ray Serve every rule sees the paths that it sees at `/`."""

import json

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from starlette.staticfiles import StaticFiles

from rfuav_ray.settings import Settings
from serve_app.api import create_app, in_front
from serve_app.middleware.below_prefix import BelowPrefix, prefix_of

BROWSER = {"Accept": "text/html"}
READER, ADMIN = {"X-API-Key": "read-key"}, {"X-API-Key": "admin-key"}


@pytest.fixture
def echo(tmp_path):
    """An API that says what it sees, and has a folder of files."""
    (tmp_path / "main.js").write_text("file")
    api = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    api.mount("/static", StaticFiles(directory=tmp_path))

    @api.api_route("/{path:path}", methods=["GET", "POST"])
    def seen(request: Request):
        scope = request.scope
        return [scope["path"], scope["root_path"], scope["raw_path"], prefix_of(scope)]

    return BelowPrefix(api)


def seen(app, path, prefix="/lab", **options):
    return TestClient(app, root_path=prefix, follow_redirects=False).get(path, **options)


@pytest.mark.parametrize(
    ("path", "inner"),
    [
        ("/lab/", "/"),
        ("/lab/api/v1/health", "/api/v1/health"),
        ("/lab/lab/api", "/lab/api"),
        ("/lab//lab/api", "//lab/api"),
        ("/lab/%2e%2e/api", "/../api"),
        ("/lab%2Fapi", "/api"),
        ("/lab/%2Fapi", "//api"),
    ],
)
def test_below_prefix_the_prefix_is_taken_off_once(echo, path, inner):
    assert seen(echo, path).json() == [inner, "", None, "/lab"]


@pytest.mark.parametrize("prefix", ["/api", "/static", "/lab/api"])
def test_below_prefix_a_path_that_goes_on_with_the_prefix_keeps_it(echo, prefix):
    assert seen(echo, f"{prefix}/api/v1/health", prefix).json()[:2] == ["/api/v1/health", ""]
    assert seen(echo, f"{prefix}{prefix}x/y", prefix).json()[:2] == [f"{prefix}x/y", ""]
    assert seen(echo, f"{prefix}/static/main.js", prefix).text == "file"


@pytest.mark.parametrize("path", ["/", "/labx", "/labx/api", "/LAB/api", "//lab/api", "/api/v1/health", "/la"])
def test_below_prefix_other_paths_are_404_in_the_one_shape(echo, path):
    answer = seen(echo, path)
    assert answer.status_code == 404 and answer.json()["status"] == "error"
    assert "below /lab/" in answer.json()["message"]


@pytest.mark.parametrize(("prefix", "location"), [("/lab", "lab/"), ("/lab/radio", "radio/"), ("/a b", "a%20b/")])
def test_below_prefix_the_prefix_itself_leads_to_the_page(echo, prefix, location):
    answer = seen(echo, prefix, prefix)
    assert (answer.status_code, answer.headers["location"]) == (307, location)


def test_below_prefix_at_the_root_nothing_changes(echo):
    path, root, _, prefix = seen(echo, "/lab/api", prefix="").json()
    assert (path, root, prefix) == ("/lab/api", "", "")


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def app(state):
    """The whole application with keys, without its actors."""
    settings = Settings(_env_file=None, api_keys="ann:read:read-key,root:admin:admin-key", state_dir=state)
    return in_front(create_app(settings), settings)


@pytest.fixture
def at_root(app):
    return TestClient(app, base_url="http://localhost", follow_redirects=False)


@pytest.fixture
def service(app):
    return TestClient(app, base_url="http://localhost", follow_redirects=False, root_path="/lab")


@pytest.mark.parametrize("headers", [{}, READER, BROWSER])
@pytest.mark.parametrize(
    ("method", "path", "without_key"),
    [
        ("GET", "/api/v2/unknown", 401),
        ("GET", "/openapi.json", 401),
        ("GET", "/static/main.js", 200),
        ("GET", "/static/%2e%2e/api/v2/tasks", 404),
        ("GET", "/static/%2e%2e/lab/api/v2/tasks", 404),
        ("GET", "//api/v1/health", 401),
        ("GET", "/lab/api/v1/health", 401),
        ("GET", "/%2e%2e/api/v1/health", 401),
        ("POST", "/static/main.js", 401),
        ("POST", "/api/v1/health", 401),
    ],
)
def test_below_prefix_nothing_more_is_open_than_at_the_root(service, at_root, method, path, without_key, headers):
    answers = [
        client.request(method, f"http://localhost{begin}{path}", headers=headers)
        for client, begin in ((at_root, ""), (service, "/lab"))
    ]
    assert answers[0].status_code == answers[1].status_code
    assert headers == READER or answers[1].status_code == without_key


@pytest.mark.parametrize("path", ["/api/v2/resources/config", "/api/v2/resources", "/api/v2/resources/%2e%2e/y"])
def test_below_prefix_what_needs_an_admin_needs_one_there_too(service, path):
    answer = service.post(f"/lab{path}", headers=READER)
    assert answer.status_code == 403 and "admin" in answer.json()["message"]


def test_below_prefix_the_audit_log_has_the_paths_of_the_api(service, state):
    (state / "audit.jsonl").unlink(missing_ok=True)
    service.post("/lab/api/v2/resources/config", headers=READER)
    assert json.loads((state / "audit.jsonl").read_text())["path"] == "/api/v2/resources/config"


def test_below_prefix_the_cookie_of_a_sign_in_is_sent_there_alone(service):
    answer = service.post("/lab/api/v1/session", json={"key": "admin-key"})
    assert "Path=/lab/;" in answer.headers["set-cookie"]
    assert service.get("/lab/api/v1/session").json()["name"] == "root"
    assert "Path=/lab/;" in service.delete("/lab/api/v1/session").headers["set-cookie"]
    assert service.get("/lab/api/v1/session").status_code == 401


def test_below_prefix_the_description_names_it(service, at_root):
    assert service.get("/lab/openapi.json", headers=READER).json()["servers"] == [{"url": "/lab"}]
    assert "servers" not in at_root.get("/openapi.json", headers=READER).json()


@pytest.mark.parametrize("path", ["/lab/docs", "/lab/redoc"])
@pytest.mark.parametrize("headers", [{}, READER])
def test_below_prefix_pages_name_no_path_of_the_root(service, path, headers):
    answer = service.get(path, headers=BROWSER | headers)
    assert answer.headers["content-type"].startswith("text/html")
    assert not any(begin + "/" in answer.text for begin in ('href="', 'src="', "url: '", 'url="'))
