"""Headers that keep browsers from running or framing what the service sends."""

import httpx2
import pytest

HTML = {"Accept": "text/html"}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/", 200),
        ("/docs", 200),
        ("/redoc", 200),
        ("/redoc.js", 200),
        ("/static/main.js", 200),
        ("/static/icon.svg", 200),
        ("/static-offline-docs/swagger-ui-bundle.js", 200),
        ("/openapi.json", 200),
        ("/api/v1/health", 200),
        ("/api/v2/tasks", 200),
        ("/metrics", 200),
        ("/no/such/route", 404),
        ("/static/no-such-file", 404),
        ("/api/v2/tasks/unknown", 404),
        ("/api/v2/files?path=/etc", 403),
        ("/api/v2/tasks?limit=x", 422),
    ],
)
def test_headers_are_on_every_answer(service, path, code):
    answer = httpx2.get(service + path, headers=HTML)
    assert answer.status_code == code
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers.get_list("x-frame-options") == ["DENY"]
    (policy,) = answer.headers.get_list("content-security-policy")
    for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action"):
        assert part in policy
    assert "unsafe" not in policy.partition("script-src")[2].partition(";")[0]


def test_headers_are_on_hot_routes_and_files(service, trained):
    task = f"{service}/api/v2/tasks/{trained['task_id']}"
    for path in ("", "/artifacts", "/artifacts/metrics.csv", "/request"):
        answer = httpx2.get(task + path)
        assert answer.status_code == 200 and answer.headers["x-content-type-options"] == "nosniff"
    not_modified = httpx2.get(task, headers={"If-None-Match": httpx2.get(task).headers["etag"]})
    assert not_modified.status_code == 304 and not_modified.headers["x-frame-options"] == "DENY"


def test_headers_a_file_is_saved_and_an_image_shown(service, trained):
    task = f"{service}/api/v2/tasks/{trained['task_id']}"
    names = [one["name"] for one in httpx2.get(f"{task}/artifacts").json()["artifacts"]]
    assert any(name.endswith(".png") for name in names)
    for name in names:
        shown = "inline" if name.endswith((".png", ".html")) else "attachment"
        assert httpx2.get(f"{task}/artifacts/{name}").headers["content-disposition"].startswith(shown)
