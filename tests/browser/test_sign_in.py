"""Signing in at the page of a service below a prefix, and what a key that only reads can do there."""

import httpx2
import pytest
from playwright.sync_api import expect

from tests.browser.actions import choose_kind, fill_training, row_of, start
from tests.support.service_process import ServiceProcess

READER, WRITER = "first-chosen-key", "second-chosen-key"


@pytest.fixture(scope="module")
def keyed(root, tmp_path_factory):
    keys = f"ann:read:{READER},bob:write:{WRITER}"
    folder = tmp_path_factory.mktemp("keyed")
    settings = {"api_keys": keys, "max_training_concurrent_cpu": 0, "route_prefix": "/lab"}
    with ServiceProcess(folder, root, **settings) as service:
        service.start()
        yield service


def sign_in(page, key):
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_role("button", name="Sign in").click()


@pytest.fixture
def task_id(keyed, training):
    headers = {"X-API-Key": WRITER}
    url = f"{keyed.url}/api/v2/training/start"
    return httpx2.post(url, json=training(), headers=headers, trust_env=False, timeout=30).json()["task_id"]


def test_sign_in_a_wrong_key_is_said_and_the_right_one_opens_the_page(open_page, keyed):
    page = open_page(keyed.url)
    sign_in(page, "wrong")
    expect(page.get_by_role("alert")).to_have_text("This key is not valid.")
    sign_in(page, WRITER)
    expect(page.locator(".connection")).to_have_text("Connected")
    expect(page.locator(".who")).to_have_text("bob (write)")
    assert WRITER not in page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    choose_kind(page, "Training")
    expect(page.get_by_role("button", name="Start Training")).to_be_enabled()
    expect(page.get_by_role("button", name="Apply")).to_be_disabled()
    expect(page.get_by_text("has the scope write. This needs admin.")).to_be_visible()


def test_sign_in_ends_with_the_sign_out(open_page, keyed):
    page = open_page(keyed.url)
    sign_in(page, READER)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("dialog").get_by_label("Key", exact=True)).to_be_visible()
    assert page.context.cookies() == []


def test_sign_in_below_a_prefix_everything_is_asked_for_there(open_page, keyed, training):
    page = open_page(keyed.url, "")  # It leads to the page.
    assert page.url == f"{keyed.url}/"
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    sign_in(page, WRITER)
    expect(page.locator(".who")).to_have_text("bob (write)")
    assert [cookie["path"] for cookie in page.context.cookies()] == ["/lab/"]
    fill_training(page, training)
    task = start(page, "Training")
    row_of(page, task).get_by_role("link").first.click()
    expect(page.get_by_text("Waiting: the limit for training is 0").first).to_be_visible()
    expect(page.locator(".head .status")).to_have_text("pending")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    expect(page.locator(".head .status")).to_have_text("cancelled")
    assert len(asked) > 10 and [url for url in asked if not url.startswith(f"{keyed.url}/")] == []


@pytest.mark.parametrize(("locale", "reason"), [("en-GB", "may only read"), ("zh-CN", "只能读取")])
def test_sign_in_a_read_key_shows_that_writes_are_not_allowed(open_page, keyed, task_id, locale, reason):
    page = open_page(keyed.url, locale=locale)
    page.get_by_role("dialog").locator("input").fill(READER)
    page.get_by_role("dialog").locator("button").click()
    expect(page.locator(".rights")).to_contain_text(reason)
    row = row_of(page, task_id)
    expect(row.locator("select")).to_be_disabled()
    names = ("Cancel", "Apply") if locale == "en-GB" else ("取消", "应用")
    expect(row.get_by_role("button", name=names[0])).to_be_disabled()
    expect(page.get_by_role("button", name=names[1])).to_be_disabled()
    expect(page.locator("#start-form button[type=submit]")).to_be_disabled()


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_sign_in_leads_to_the_documentation(open_page, keyed, path):
    page = open_page(keyed.url, path)
    sign_in(page, READER)
    expect(page.get_by_text("/api/v2/training/start").first).to_be_visible()


def test_sign_in_the_documentation_calls_the_api_with_another_key(open_page, keyed):
    page = open_page(keyed.url, "/docs")
    sign_in(page, READER)
    page.get_by_role("button", name="Authorize").first.click()
    form = page.locator(".auth-container").filter(has_text="X-API-Key")
    form.locator("input").fill(WRITER)
    form.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").last.click()
    session = page.locator(".opblock-get").filter(has=page.locator("[data-path='/api/v1/session']"))
    session.get_by_role("button").first.click()
    session.get_by_role("button", name="Try it out").click()
    session.get_by_role("button", name="Execute").click()
    expect(session.locator(".live-responses-table")).to_contain_text('"name": "bob"')


def test_sign_in_of_an_ended_session_is_asked_for_again(open_page, keyed):
    page = open_page(keyed.url)
    sign_in(page, READER)
    expect(page.locator(".who")).to_be_visible()
    page.context.clear_cookies()
    expect(page.get_by_role("dialog").get_by_label("Key", exact=True)).to_be_visible()
