import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from serve_app.file_answers import UserFile
from serve_app.middleware.safe_headers import SafeHeaders


@pytest.fixture
def client(tmp_path):
    app = FastAPI()
    file = tmp_path / "a.txt"
    file.write_bytes(b"0123456789")
    app.get("/file", response_model=None)(lambda: UserFile(file))
    return TestClient(app)


@pytest.mark.parametrize(
    ("name", "shown"), [("a.html", "inline"), ("a.svg", "attachment"), ("a.json", "attachment")]
)
def test_file_answers_a_report_is_shown_and_nothing_of_it_runs(tmp_path, name, shown):
    app = FastAPI()
    (tmp_path / name).write_text("<!doctype html><script>alert(1)</script>")
    app.get("/file", response_model=None)(lambda: UserFile(tmp_path / name))
    app.add_middleware(SafeHeaders)
    answer = TestClient(app).get("/file")
    assert answer.headers["content-disposition"].startswith(shown)
    (policy,) = answer.headers.get_list("content-security-policy")
    assert "default-src 'none'" in policy and policy.endswith("sandbox") and "script" not in policy
    assert ("style-src" in policy) == (name == "a.html")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("asked", "part"), [("bytes=2-4", b"234"), ("bytes=-3", b"789")])
def test_file_answers_a_part_of_a_file_is_sent(client, asked, part):
    answer = client.get("/file", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, part)


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=a-b", "bytes=", "bytes=4-2", "lines=1-2", "x", "bytes=-0"])
def test_file_answers_a_wrong_range_is_416_in_the_one_shape(client, asked):
    answer = client.get("/file", headers={"Range": asked})
    assert answer.status_code == 416 and answer.headers["content-range"] == "bytes */10"
    assert answer.json()["status"] == "error" and "10 bytes" in answer.json()["message"]
