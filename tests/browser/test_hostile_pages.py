"""Web pages that want something of a service on the user's machine, and texts that want to be scripts."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.support.images import write_image

pytestmark = pytest.mark.timeout(180)

SCRIPT = "<img src=x onerror=window.ran=1><script>window.ran=1</script>"


@pytest.fixture(scope="module")
def evil():
    """A server of another origin; `pages` has its pages by path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = pages.get(self.path, "").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    pages = {"/": "<title>evil</title>"}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", pages
    server.shutdown()
    server.server_close()


@pytest.fixture
def evil_page(chromium):
    """A page that nobody watches: refusals are what the tests expect."""
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def test_hostile_pages_a_name_that_leads_here_is_not_the_service(service):
    port = urlsplit(service).port
    with sync_playwright() as playwright:
        rules = (
            "--host-resolver-rules=MAP evil.test 127.0.0.1",
            # Chromium's own defence, which other browsers do not have.
            "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
        )
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *rules])
        page = browser.new_page()
        assert page.goto(f"http://evil.test:{port}/").status == 421
        # The page as it came before its name led to the service.
        page.route("**/evil", lambda route: route.fulfill(content_type="text/html", body="<title>evil</title>"))
        page.goto(f"http://evil.test:{port}/evil")
        asked = """async (path) => {
            const answer = await fetch(path, { method: path.includes("cancel") ? "POST" : "GET" });
            return [answer.status, (await answer.json()).status];
        }"""
        for path in ("/api/v2/tasks", "/api/v1/health", "/api/v2/tasks/x/cancel"):
            assert page.evaluate(asked, path) == [421, "error"]
        browser.close()


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"])
def test_hostile_pages_a_form_of_another_origin_cancels_nothing(evil, evil_page, service, client, waiting, kind):
    url, pages = evil
    task = waiting()
    action = f"{service}/api/v2/tasks/{task}/cancel"
    pages["/form"] = f'<form method="post" enctype="{kind}" action="{action}"><input name="a"></form>'
    evil_page.goto(f"{url}/form")
    with evil_page.expect_navigation() as navigation:
        evil_page.evaluate("document.forms[0].submit()")
    assert navigation.value.status == 403
    evil_page.goto(f"{url}/form")
    sent = "async (action) => fetch(action, { method: 'POST', mode: 'no-cors' }).then(() => 1, () => 0)"
    evil_page.evaluate(sent, action)
    assert client.get_task(task)["status"] == "pending"


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc", "/api/v2/tasks", "/static/icon.svg"])
def test_hostile_pages_no_frame_shows_the_service(evil, evil_page, service, path):
    url, pages = evil
    pages["/frame"] = f'<iframe src="{service}{path}"></iframe>'
    refused = []
    evil_page.on("console", lambda message: refused.append(message.text))
    evil_page.goto(f"{url}/frame")
    evil_page.wait_for_load_state("networkidle")
    assert any("frame" in text.lower() for text in refused)
    assert evil_page.frames[1].url.startswith("chrome-error:")


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_hostile_pages_the_documentation_works_under_its_policy(open_page, service, path):
    page = open_page(service, path)  # It fails for what the policy refuses.
    heading = page.get_by_role("heading", name="rfuav-ray").first
    expect(heading).to_be_visible()
    if path == "/docs":
        page.get_by_text("/api/v1/health", exact=True).first.click()
        page.get_by_role("button", name="Try it out").click()
        page.get_by_role("button", name="Execute").click()
        expect(page.locator(".live-responses-table tr.response .response-col_status").first).to_contain_text("200")


def test_hostile_pages_stored_texts_are_shown_and_do_not_run(open_page, service, waiting, write_log, root):
    task = waiting(description=SCRIPT, name="<b onclick=a>")
    write_log(task, SCRIPT)
    page = open_page(service)
    row = page.get_by_text(SCRIPT).first
    expect(row).to_be_visible()
    page.goto(f"{service}/#/tasks/{task}")
    expect(page.get_by_text(SCRIPT).first).to_be_visible()
    assert page.evaluate("window.ran") is None


def test_hostile_pages_a_file_with_a_script_for_a_name_is_an_image(chromium, service, root, rng_image):
    context = chromium.new_context()
    page = context.new_page()
    answer = page.goto(f"{service}/api/v2/files/image?path={rng_image}")
    assert answer is not None and answer.headers["content-type"] == "image/png"
    assert page.evaluate("window.ran") is None
    context.close()


@pytest.fixture
def rng_image(root):
    import numpy as np  # noqa: PLC0415

    name = '<img src=x onerror=window.ran=1>".png'
    write_image(root / name, "vertical", np.random.default_rng(1))
    return name.replace('"', "%22").replace("<", "%3C").replace(">", "%3E").replace(" ", "%20")
