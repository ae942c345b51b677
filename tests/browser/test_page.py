"""The web page, by clicking and typing only."""

import os
import re

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import expect

from rfuav_ray.client import RFUAVClient
from tests.browser.actions import choose_kind, field, fill, fill_training, row_of, start
from tests.support.images import CLASSES, write_image

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def recordings(root, rng):
    """Pictures by class that nobody has split yet."""
    for name in CLASSES:
        for index in range(12):
            write_image(root / "recordings" / name / f"{index}.png", name, rng)
    return root / "recordings"


@pytest.fixture
def rng():
    import numpy as np  # noqa: PLC0415

    return np.random.default_rng(5)


def test_page_leads_from_images_to_predictions(open_page, service, client, recordings, root, training):
    page = open_page(service)
    choose_kind(page, "Split")
    page.get_by_role("button", name="Browse: input_path").click()
    picker = page.get_by_role("dialog")
    picker.get_by_role("button", name=recordings.name, exact=True).click()
    expect(picker.locator(".where")).to_have_text(str(recordings))
    picker.get_by_role("button", name="Use this folder").click()
    field(page, "output_path").fill("parts")
    split = start(page, "Split")
    expect(row_of(page, split).locator(".status")).to_have_text("completed")

    fill_training(
        page, training, train_path="parts/train", val_path="parts/valid", num_epochs=3, description="first"
    )
    first = start(page, "Training")
    row_of(page, first).get_by_role("link", name="first").click()
    curve = page.get_by_role("img", name="Loss").locator("path").first
    expect(curve).to_have_attribute("d", re.compile("L"))  # a line: two epochs and more
    expect(page.locator(".head .status")).to_have_text("completed")
    expect(page.locator("table.figures tbody tr")).to_have_count(3)
    expect(page.locator("table.confusion tbody tr")).to_have_count(len(CLASSES))
    with page.expect_download() as download:
        page.get_by_role("link", name="Download metrics.csv").click()
    assert download.value.path().read_text().startswith("epoch,")

    page.get_by_role("link", name="← All tasks").click()
    choose_kind(page, "Inference")
    folder = client.get_task(first)["result"]["save_path"]
    fill(page, cfg_path=f"{folder}/model.yaml", weight_path=f"{folder}/best_model.pth", source_path="recordings")
    inference = start(page, "Inference")
    row_of(page, inference).get_by_role("link").click()
    expect(page.locator("table.predictions tbody tr")).to_have_count(24)
    expect(page.locator(".top5 li")).to_have_count(2)
    expect(page.locator(".picture img")).to_have_js_property("complete", True)
    assert page.locator(".picture img").evaluate("image => image.naturalWidth") == 48
    page.get_by_label("Confidence below").fill("0")
    expect(page.locator("table.predictions tbody")).to_have_text("Nothing matches.")


def test_page_shows_a_refusal_at_its_field(open_page, service, training):
    page = open_page(service)
    fill_training(page, training, train_path="/etc", num_epochs=0)
    page.get_by_role("button", name="Start Training").click()
    expect(field(page, "num_epochs", "spinbutton")).to_have_attribute("aria-invalid", "true")
    field(page, "num_epochs", "spinbutton").fill("1")
    page.get_by_role("button", name="Start Training").click()
    expect(page.locator(".field", has=field(page, "train_path")).locator(".problem")).to_contain_text("outside")
    expect(field(page, "train_path")).to_be_focused()
    expect(field(page, "num_epochs", "spinbutton")).not_to_have_attribute("aria-invalid", "true")


def test_page_shows_changes_of_another_browser(open_page, service, client, training):
    page = open_page(service)
    other = open_page(service)
    page.get_by_role("spinbutton", name="Limit of Training runs on cpu").fill("0")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".note")).to_contain_text("Limits saved")
    assert client.get_resources()["limits"]["cpu"]["training"] == 0
    expect(other.get_by_role("spinbutton", name="Limit of Training runs on cpu")).to_have_value("0")

    fill_training(page, training, num_epochs=500, description="one of two browsers")
    task_id = start(page, "Training")
    expect(row_of(other, task_id).locator(".status")).to_have_text("pending")
    row_of(other, task_id).get_by_role("combobox").select_option("1")
    expect(row_of(page, task_id).get_by_role("combobox")).to_have_value("1")
    assert client.get_task(task_id)["priority"] == 1

    page.get_by_role("spinbutton", name="Limit of Training runs on cpu").fill("1")
    page.get_by_role("button", name="Apply").click()
    expect(row_of(other, task_id).locator(".status")).to_have_text("running")
    page.reload()
    expect(row_of(page, task_id).locator(".is-progress")).to_contain_text("Epoch")
    row_of(page, task_id).get_by_role("button", name=f"Log: {task_id}").click()
    expect(page.locator(".log p").first).to_contain_text("Task accepted")

    row_of(other, task_id).get_by_role("button", name=f"Cancel: {task_id}").click()
    other.get_by_role("dialog").get_by_role("button", name="Yes").click()
    expect(row_of(page, task_id).locator(".status")).to_have_text("cancelled")
    row_of(page, task_id).get_by_role("button", name=f"Run again: {task_id}").click()
    expect(field(page, "description")).to_have_value("one of two browsers")
    row_of(page, task_id).get_by_role("button", name=f"Delete: {task_id}").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    expect(row_of(other, task_id)).to_have_count(0)


def test_page_finds_and_sorts_tasks(open_page, service, client, training):
    client.update_resource_config(max_concurrent={"cpu": {"training": 0}})
    ids = [client.start_training(**training(description=f"no. {n}", priority=n))["task_id"] for n in (2, 3, 1)]
    page = open_page(service)
    page.get_by_role("searchbox", name="Find a task").fill("no. ")
    page.get_by_role("button", name="Priority").click()
    names = page.locator("table.tasks tbody tr .is-task a")
    expect(names).to_have_text(["no. 1", "no. 2", "no. 3"])
    page.get_by_role("button", name="Priority").click()
    expect(names).to_have_text(["no. 3", "no. 2", "no. 1"])
    page.get_by_role("combobox", name="All states").select_option("completed")
    expect(page.locator("p.empty", has_text="No task matches.")).to_be_visible()
    for task_id in ids:
        client.cancel_task(task_id)


def test_page_remembers_language_and_colours(open_page, service):
    page = open_page(service, color_scheme="light")
    page.get_by_role("button", name="Dark").click()
    page.get_by_role("button", name="切换到中文").click()
    expect(page.get_by_role("heading", name="任务", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Switch to English")).to_be_visible()
    assert page.evaluate("document.documentElement.lang + document.documentElement.dataset.theme") == "zhdark"


def test_page_explains_fields_in_its_language(open_page, service):
    page = open_page(service, locale="zh-CN")
    expect(page.locator("#start-form .hint", has_text="等于类别文件夹的数量")).to_be_visible()
    page.get_by_role("tab", name="推理").click()
    expect(page.locator("#start-form .hint", has_text="权重文件")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1440])
def test_page_fits_the_screen(open_page, service, trained, width):
    for path in ("/", f"/#/tasks/{trained['task_id']}"):
        page = open_page(service, path, viewport={"width": width, "height": 800})
        page.locator("section.panel").first.wait_for()
        page.locator(".log p, table.tasks tbody tr").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_page_keeps_the_accessibility_rules(open_page, service, client, trained, inference, colours):
    done = client.start_inference(**inference())
    client.wait(done["task_id"], timeout=60)
    for path in ("/", f"/#/tasks/{trained['task_id']}", f"/#/tasks/{done['task_id']}"):
        page = open_page(service, path, color_scheme=colours)
        page.locator(".log p, table.tasks tbody tr").first.wait_for()
        if path == "/":
            page.locator("summary").click()
        page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run()")["violations"]
        serious = [
            (one["id"], one["help"], [node["html"][:200] for node in one["nodes"]])
            for one in found
            if one["impact"] in {"serious", "critical"}
        ]
        assert serious == []


def test_page_works_by_keyboard(open_page, service):
    page = open_page(service)
    page.get_by_role("button", name="Start Training").wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.get_by_role("tab", name="Training").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Inference")).to_have_attribute("aria-selected", "true")
    page.get_by_role("button", name="Browse: cfg_path").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_docs_pages_need_no_other_host(open_page, service, path):
    page = open_page(service, path)
    expect(page.get_by_text("/api/v2/training/start").first).to_be_visible()


def test_page_of_an_unknown_task_says_so(open_page, service):
    page = open_page(service, "/#/tasks/unknown")
    expect(page.locator(".problem", has_text="does not exist")).to_be_visible()


@pytest.mark.timeout(400)  # starts the service twice
def test_page_with_a_key_outlives_a_restart(open_page, own_service, training):
    process, client = own_service(api_keys="secret")
    url = client.base_url
    page = open_page(url)
    page.get_by_role("dialog").get_by_label("Key").fill("secret")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".connection")).to_have_text("Connected")
    with RFUAVClient(url, api_key="secret") as known:
        task_id = known.start_training(**training(num_epochs=3000, description="over a restart"))["task_id"]
        # The first run of a new service waits until PyTorch is loaded.
        expect(row_of(page, task_id).locator(".is-progress")).to_contain_text("Epoch", timeout=90_000)
        row_of(page, task_id).get_by_role("link").click()
        process.terminate()
        expect(page.locator(".log-view .problem")).to_contain_text("Connection lost")
        process.wait(60)
        own_service(api_keys="secret")
        page.get_by_role("searchbox", name="Search the log").fill("Resuming")
        expect(page.locator(".log p").first).to_contain_text("Resuming", timeout=60_000)
        epochs = page.locator("table.figures tbody tr")
        before = epochs.count()
        expect(epochs.nth(before + 3)).to_be_attached()
        known.cancel_task(task_id)
        expect(page.locator(".head .status")).to_have_text("cancelled")


def test_page_shows_where_the_workers_of_a_training_are(open_page, service, training):
    page = open_page(service)
    fill_training(page, training, num_workers=2, num_epochs=2)
    task_id = start(page, "Training")
    row_of(page, task_id).locator(f'a[href="#/tasks/{task_id}"]').first.click()
    expect(page.locator(".head .status")).to_have_text("completed")
    node = os.uname().nodename
    expect(page.get_by_text(f"2 workers: cpu @ {node}, cpu @ {node}")).to_be_visible()
