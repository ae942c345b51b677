"""A tab that nobody sees has no connections; when it is seen again nothing is missing and nothing there twice."""

import pytest
from playwright.sync_api import expect

from tests.browser.actions import row_of

pytestmark = pytest.mark.timeout(180)

# Without a window all tabs count as seen.
HIDE = """isHidden => {
  Object.defineProperty(document, "hidden", { configurable: true, value: isHidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def hide(page):
    page.evaluate(HIDE, True)


def show(page):
    page.evaluate(HIDE, False)


def closes(page, path):
    return page.expect_event("requestfailed", lambda request: request.url.endswith(path))


def messages(client, task_id):
    return [entry["message"] for entry in client.get_logs(task_id)]


def test_hidden_tab_resumes_its_log(open_page, service, client, waiting, write_log):
    task_id = waiting()
    page = open_page(service, f"/#/tasks/{task_id}")
    write_log(task_id, "seen")
    lines = page.locator(".log p span")
    expect(lines.last).to_have_text("seen")
    with closes(page, "/api/v2/events"), closes(page, "/logs"):
        hide(page)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    write_log(task_id, *(f"unseen {number}" for number in range(20)))
    assert messages(client, task_id)[-1] == "unseen 19"
    assert [url for url in requests if url.endswith(("/logs", "/events"))] == []
    show(page)
    expect(lines.last).to_have_text("unseen 19")
    for number in range(5):
        hide(page)
        write_log(task_id, f"once more {number}")
        show(page)
    expect(lines.last).to_have_text("once more 4")
    expect(lines).to_have_text(messages(client, task_id))
    expect(page.locator(".log-view .problem")).to_be_hidden()


def test_hidden_tab_updates_its_task_list(open_page, service, client, waiting):
    cancelled, deleted = waiting(), waiting()
    page = open_page(service)
    expect(row_of(page, deleted)).to_be_visible()
    with closes(page, "/api/v2/events"):
        hide(page)
    client.cancel_task(cancelled)
    client.cancel_task(deleted)
    client.delete_task(deleted)
    new = waiting()
    show(page)
    expect(row_of(page, new).locator(".status")).to_have_text("pending")
    expect(row_of(page, cancelled).locator(".status")).to_have_text("cancelled")
    expect(row_of(page, deleted)).to_have_count(0)
    expect(page.locator(".connection")).to_have_text("Connected")
