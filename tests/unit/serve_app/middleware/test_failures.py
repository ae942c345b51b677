import pytest
from fastapi.testclient import TestClient

from rfuav_ray.errors import ServiceBusy
from serve_app.middleware.failures import Failures
from serve_app.middleware.safe_headers import SafeHeaders


@pytest.mark.parametrize(("error", "code"), [(ZeroDivisionError("a bug"), 500), (ServiceBusy("full", 7), 503)])
def test_failures_in_front_of_the_routes_have_the_shape_of_every_error(error, code):
    async def fails(_scope, _receive, _send):
        raise error

    answer = TestClient(SafeHeaders(Failures(fails))).get("/any")
    assert answer.status_code == code and answer.json()["status"] == "error" and "a bug" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_failures_after_the_answer_has_begun_are_raised():
    async def fails_late(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        TestClient(Failures(fails_late)).get("/any")
