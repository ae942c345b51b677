"""Many tasks and long logs: all of them can be reached, and little is in the page at a time."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.actions import row_of

pytestmark = pytest.mark.timeout(180)

TASKS = 200
ROWS_A_PAGE = 50
LINES = 10_000
MOST_LINES_IN_THE_PAGE = 1000
#: whether a line is in the middle of the log's view
SHOWS_LINES = """log => {
  const { left, top, width, height } = log.getBoundingClientRect();
  return Boolean(document.elementFromPoint(left + width / 2, top + height / 2)?.closest(".log p"));
}"""


@pytest.fixture
def long_log(waiting, write_log):
    """The id of a task with a line for each number up to LINES; some are too long for one row, one is an error."""
    task_id = waiting()
    texts = [f"line {number}." + " and more" * (60 if number % 7 == 0 else 0) for number in range(1, LINES + 1)]
    write_log(task_id, *texts[: LINES // 2])
    write_log(task_id, "something broke", level="ERROR")
    write_log(task_id, *texts[LINES // 2 :])
    return task_id


def scroll(log, fraction):
    log.evaluate("(log, share) => { log.scrollTop = share * log.scrollHeight; }", fraction)


def test_log_view_reaches_every_line(open_page, service, long_log, write_log):
    page = open_page(service, f"/#/tasks/{long_log}")
    log = page.locator(".log")
    log.scroll_into_view_if_needed()
    lines = log.locator("p")
    expect(lines.last).to_contain_text(f"line {LINES}.")
    expect(lines.last).to_be_in_viewport()
    scroll(log, 0)
    expect(lines.first).to_contain_text("Task accepted")
    expect(lines.first).to_be_in_viewport()
    expect(page.get_by_role("checkbox", name="Follow")).not_to_be_checked()
    for fraction in (0.3, 0.5, 0.9):
        scroll(log, fraction)
        page.wait_for_function(SHOWS_LINES, arg=log.element_handle())
        assert lines.count() < MOST_LINES_IN_THE_PAGE
    page.get_by_role("checkbox", name="Follow").check()
    expect(lines.last).to_be_in_viewport()
    write_log(long_log, "the newest of all")
    expect(lines.last).to_contain_text("the newest of all")
    expect(lines.last).to_be_in_viewport()
    assert lines.count() < MOST_LINES_IN_THE_PAGE


def test_log_view_skips_no_line_when_scrolled(open_page, service, long_log):
    page = open_page(service, f"/#/tasks/{long_log}")
    log = page.locator(".log")
    log.scroll_into_view_if_needed()
    expect(log.locator("p").last).to_contain_text(f"line {LINES}.")
    expect(log.locator("p").last).to_be_in_viewport()
    seen = set()
    for _ in range(40):
        page.wait_for_function(SHOWS_LINES, arg=log.element_handle())
        seen |= {int(number) for number in re.findall(r"line (\d+)\.", log.inner_text())}
        log.evaluate("log => { log.scrollTop -= log.clientHeight; }")
    assert len(seen) > 300 and seen == set(range(min(seen), LINES + 1))


def test_log_view_finds_one_line(open_page, service, long_log):
    page = open_page(service, f"/#/tasks/{long_log}")
    lines = page.locator(".log p")
    count = page.locator(".log-view .filters .hint")
    expect(count).to_have_text(re.compile(r"^10,00\d of"))
    page.get_by_role("combobox", name="Level").select_option("errors")
    expect(lines.locator("span")).to_have_text(["something broke"])
    expect(count).to_have_text(re.compile(r"^1 of 10,00\d lines"))
    page.get_by_role("combobox", name="Level").select_option("all")
    page.get_by_role("searchbox", name="Search the log").fill("Line 1234.")
    expect(lines.locator("span")).to_have_text(["line 1234."])
    page.get_by_role("searchbox", name="Search the log").fill("")
    expect(lines.last).to_contain_text(f"line {LINES}.")
    page.get_by_role("button", name="Dark").click()
    expect(page.get_by_role("button", name="Light")).to_be_visible()


def test_task_list_reaches_every_task(open_page, service, waiting):
    for number in range(TASKS):
        waiting(description=f"many {number:03}")
    page = open_page(service)
    search = page.get_by_role("searchbox", name="Find a task")
    names = page.locator("table.tasks tbody .is-task a")
    search.fill("many ")
    following = page.get_by_role("button", name="Next")
    seen = []
    for first in range(1, TASKS, ROWS_A_PAGE):
        expect(page.locator(".pages .hint")).to_have_text(f"{first}–{first + ROWS_A_PAGE - 1} of {TASKS}")
        expect(names).to_have_count(ROWS_A_PAGE)
        seen += names.all_inner_texts()
        if following.is_enabled():
            following.click()
    assert sorted(seen) == [f"many {number:03}" for number in range(TASKS)]
    expect(following).to_be_disabled()

    search.fill("many 123")
    expect(names).to_have_text(["many 123"])
    expect(page.locator(".pages")).to_be_hidden()
    page.locator("table.tasks tbody").get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    expect(page.locator("table.tasks tbody .status")).to_have_text("cancelled")


def expect_places_of_the_service(page, client, ids):
    """In the page as the service says that they are."""
    for task_id in ids:
        place = client.get_task(task_id)["queue_position"]
        expect(row_of(page, task_id).locator(".is-progress")).to_contain_text(f"Position {place} in the queue")


def test_task_list_follows_the_queue_positions(open_page, service, client, waiting):
    wanted = [
        ("cpu", 5),
        ("cuda", 5),
        ("cuda:0", 5),
        ("cpu", 2),
        ("cuda:1", 7),
        ("cuda", 1),
        ("cuda:0", 5),
        ("cpu", 5),
    ]
    ids = [waiting(device=device, priority=priority) for device, priority in wanted]
    page = open_page(service)
    expect_places_of_the_service(page, client, ids)
    for task_id in (ids.pop(5), ids.pop(3)):  # the first ones
        client.cancel_task(task_id)
    expect_places_of_the_service(page, client, ids)
    client.set_priority(ids[-1], 1)
    expect_places_of_the_service(page, client, ids)
    row_of(page, ids[0]).get_by_role("link").click()
    place = client.get_task(ids[0])["queue_position"]
    expect(page.locator(".head")).to_contain_text(f"Position {place} in the queue")
