"""What web pages of other origins send through a user's browser."""

import httpx2
import pytest

from tests.support.raw_http import ask, is_error

FORMS = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")
OF_ANOTHER = (
    ("Origin: http://evil.test",),
    ("Origin: null",),
    ("Origin: http://localhost:1",),
    ("Sec-Fetch-Site: cross-site",),
    ("Sec-Fetch-Site: same-site",),
    ("Origin: {service}", "Sec-Fetch-Site: cross-site"),
)


@pytest.fixture
def waiting(client, training):
    client.update_resource_config(max_concurrent={"cpu": {"training": 0, "inference": 0}})
    return client.start_training(**training())["task_id"]


@pytest.mark.parametrize("headers", OF_ANOTHER)
def test_cross_site_a_page_cannot_change_a_task(service, client, waiting, headers):
    host = f"Host: {httpx2.URL(service).netloc.decode()}"
    headers = [host, *(line.format(service=service) for line in headers)]
    for method, path in (
        ("POST", f"/api/v2/tasks/{waiting}/cancel"),
        ("POST", f"/api/v2/training/{waiting}/stop"),
        ("POST", f"/api/v2/tasks/{waiting}/priority"),
        ("DELETE", f"/api/v2/tasks/{waiting}"),
        ("POST", "/api/v2/training/start"),
        ("POST", "/api/v2/resources/config"),
        ("PUT", "/no/such/route"),
    ):
        for content_type in FORMS:
            code, _, body = ask(
                service, path, *headers, f"Content-Type: {content_type}", method=method, body=b"{}"
            )
            assert code == 403 and is_error(body), (method, path)
    assert client.get_task(waiting)["status"] == "pending"


def test_cross_site_the_own_page_and_programs_cancel(service, client, waiting):
    host = httpx2.URL(service).netloc.decode()
    headers = (f"Host: {host}", f"Origin: {service}", "Sec-Fetch-Site: same-origin")
    assert ask(service, f"/api/v2/tasks/{waiting}/cancel", *headers, method="POST")[0] == 200
    assert client.get_task(waiting)["status"] == "cancelled"
    assert ask(service, f"/api/v2/tasks/{waiting}", f"Host: {host}", method="DELETE")[0] == 200


def test_cross_site_answers_are_no_other_pages_to_read(service):
    answer = httpx2.get(f"{service}/api/v2/tasks", headers={"Origin": "http://evil.test"})
    assert answer.status_code == 200 and "access-control-allow-origin" not in answer.headers
