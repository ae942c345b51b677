"""Sign-ins of a running service."""

import psutil
import pytest

from serve_app.access.key_file import remove_key
from tests.security.conftest import READER, read_again
from tests.support.service_process import title_of

BROWSER = {"Accept": "text/html"}
REPLICA = "ray::ServeReplica"


def sign_in(http, key):
    return http.post("/api/v1/session", json={"key": key})


@pytest.fixture
def signed_in(keyed):
    with keyed.http() as http:
        assert sign_in(http, READER).json() == {"name": "reader", "scope": "read"}
        yield http


def test_session_holds_at_every_replica_and_opens_the_documentation(signed_in):
    for path in ("/api/v2/tasks", "/openapi.json", "/docs", "/redoc", "/static-offline-docs/swagger-ui.css") * 4:
        assert signed_in.get(path, headers=BROWSER).status_code == 200
    refused = signed_in.post("/api/v2/tasks/any/cancel")
    assert refused.status_code == 403 and "'reader' has the scope 'read'" in refused.json()["message"]


def test_session_a_browser_without_one_is_asked_to_sign_in(as_nobody):
    answer = as_nobody.get("/docs", headers=BROWSER)
    assert answer.status_code == 401 and "sign_in_page.js" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_session_ends_when_it_is_asked_to(signed_in):
    assert "Max-Age=0" in signed_in.delete("/api/v1/session").headers["set-cookie"]
    assert signed_in.get("/api/v1/session").status_code == 401


def test_session_of_a_removed_key_is_over(keyed, as_reader):
    with read_again(keyed, as_reader):
        key = keyed.command("key", "new", "leaver", "--file", str(keyed.key_file))
    with keyed.http() as http:
        assert sign_in(http, key).status_code == 200
        assert http.get("/api/v2/tasks").status_code == 200
        with read_again(keyed, as_reader):
            remove_key(keyed.key_file, "leaver")
        assert http.get("/api/v2/tasks").status_code == 401
        # A new key with the name does not bring it back.
        with read_again(keyed, as_reader):
            keyed.command("key", "new", "leaver", "--file", str(keyed.key_file))
        assert http.get("/api/v2/tasks").status_code == 401
        remove_key(keyed.key_file, "leaver")


def test_session_a_changed_cookie_is_refused(keyed, signed_in, as_nobody):
    ((name, token),) = signed_in.cookies.items()
    forged = [
        token.replace("reader", "key1", 1),
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token.rpartition("~")[0],
        "reader~99999999999~x~",
        "~~~",
        "",
        "a" * 4000,
    ]
    for text in forged:
        answer = as_nobody.get("/api/v2/tasks", headers={"Cookie": f"{name}={text}"})
        assert answer.status_code == 401, text


@pytest.mark.timeout(120)
def test_session_outlives_the_replicas(keyed, signed_in):
    replicas = [one for one in keyed.processes() if title_of(one).startswith(REPLICA)]
    assert len(replicas) == 2
    for replica in replicas:
        replica.kill()
    psutil.wait_procs(replicas, 30)
    keyed.wait_until_healthy()
    assert signed_in.get("/api/v1/session").json()["name"] == "reader"
