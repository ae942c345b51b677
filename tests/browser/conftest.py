"""A real browser before a real service; what it finds wrong by itself fails the test that met it."""

import shutil
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.support import task_logs
from tests.support.live_service import *  # noqa: F403

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)
#: Chromium's word for an answer such as 422, which is no mistake of the page
AN_ANSWER = "Failed to load resource"


def pytest_collection_modifyitems(items):
    if CHROMIUM is None:
        reason = "Chromium is not installed: the web page is not tried in a browser"
        for item in items:
            if "browser" in item.path.parts:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


class Watched:
    """What went wrong in a page."""

    def __init__(self, page, host):
        self.problems = []
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("console", self._console)
        page.on("request", lambda request: self._request(request.url, host))

    def _console(self, message):
        if message.type in {"error", "warning"} and AN_ANSWER not in message.text:
            self.problems.append(f"console: {message.text}")

    def _request(self, url, host):
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.netloc != host:
            self.problems.append(f"a request to another host: {url}")


@pytest.fixture
def open_page(chromium, request):
    """Open a page of a service; keyword arguments are of the browser's context."""
    contexts, watched = [], []

    def start(url, path="/", **options):
        options = {"viewport": {"width": 1440, "height": 1000}, "locale": "en-GB"} | options
        context = chromium.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        watched.append(Watched(page, urlsplit(url).netloc))
        page.goto(url + path)
        return page

    yield start
    for context in contexts:
        context.close()
    assert [problem for one in watched for problem in one.problems] == []


@pytest.fixture
def write_log(client):
    """Write messages into a task's log, as a run would."""

    def write(task_id, *messages, level="INFO"):
        entries = [{"timestamp": "2026-01-01T12:00:00Z", "level": level, "message": text} for text in messages]
        task_logs.write_log(client, task_id, entries)

    return write


@pytest.fixture
def waiting(client, training):
    """Start a training that waits, as its log says; keyword arguments are fields of the request."""
    none = {"training": 0, "inference": 0}
    client.update_resource_config(max_concurrent={"cpu": none, "cuda": none})

    def start(**fields):
        task_id = client.start_training(**training(**fields))["task_id"]
        assert "Waiting" in next(client.stream_training_logs(task_id))["message"]
        return task_id

    return start
