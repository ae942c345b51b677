"""What evaluations and audits say, on their pages."""

import shutil

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import expect

from rfuav_ray.client import RFUAVClient
from tests.browser.actions import choose_kind, field, fill, start
from tests.support.evaluation_runs import Evaluation, add_images, add_recording

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def evaluation(root):
    folder = root / "page-evaluation"
    folder.mkdir()
    made = Evaluation(folder)
    for number, snr_db in enumerate((40, 35, 0, -3)):
        for label in (0, 1):
            add_recording(made.data, f"<b>r{number}", label, snr_db=snr_db, seed=number)
            for part in ("train", "valid"):
                add_images(made.folder / "set" / part, f"r{number}", label, snr_db=snr_db, seed=number)
    for part in ("train", "valid"):
        shutil.rmtree(made.folder / "set" / part / "recordings")  # of which the images were made
    return made


@pytest.fixture(scope="module")
def evaluated(service, evaluation):
    sweep = {"from": -10, "to": 10, "step": 10}
    model = (evaluation.folder / "model.yaml", evaluation.folder / "weights.pth")
    fields = {"data_path": evaluation.data, "save_path": evaluation.folder / "out", "device": "cpu"}
    with RFUAVClient(service) as client:
        task = client.start_evaluation(*model, snr_sweep=sweep, calibrate=True, **fields)["task_id"]
        ended = client.wait(task, timeout=120)
    assert ended["status"] == "completed", ended
    return ended


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_evaluation_page_shows_the_numbers_and_opens_the_report(open_page, service, evaluated, scheme):
    page = open_page(service, f"/#/tasks/{evaluated['task_id']}", color_scheme=scheme)
    result = evaluated["result"]
    numbers = page.get_by_role("region", name="Evaluation", exact=True)
    expect(numbers.get_by_role("row", name="accuracy", exact=False).first).to_contain_text(
        f"{result['accuracy']:.4f}".rstrip("0").rstrip(".")
    )
    expect(page.locator(".chart .interval")).to_have_count(len(result["by_snr"]))
    curve = page.get_by_role("img", name="Accuracy")
    curve.focus()
    curve.press("ArrowRight")
    expect(page.locator(".values").first).to_contain_text(f"SNR, dB {result['by_snr'][-1]['snr_db']:g}")
    expect(page.locator("table.confusion tbody tr")).to_have_count(len(result["class_names"]))
    assert page.get_by_role("img", name="Reliability diagram").evaluate("image => image.decode().then(() => true)")
    page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document.querySelector('main'))")["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open the report").click()
    expect(opened.value.locator("body")).to_contain_text("accuracy")


def test_evaluation_page_an_evaluation_is_started_with_a_sweep(open_page, service, client, evaluation):
    page = open_page(service)
    choose_kind(page, "Evaluation")
    field(page, "device", "combobox").select_option("cpu")
    for name in ("cfg_path", "weight_path", "data_path"):
        place = {"cfg_path": "model.yaml", "weight_path": "weights.pth", "data_path": "data"}[name]
        field(page, name).fill(str(evaluation.folder / place))
    fill(page, save_path=str(evaluation.folder / "by-form"))
    page.get_by_role("spinbutton", name="from", exact=True).fill("0")
    task = start(page, "Evaluation")
    assert client.wait(task, timeout=120)["status"] == "completed"
    assert [point["snr_db"] for point in client.get_task(task)["result"]["by_snr"]] == list(range(0, 21, 2))


def test_evaluation_page_an_audit_shows_its_verdict_with_examples(open_page, service, client, evaluation):
    task = client.audit_dataset(evaluation.folder / "set", save_path=evaluation.folder / "audited")["task_id"]
    assert client.wait(task, timeout=60)["result"]["stats"]["verdict"] == "leaks"
    page = open_page(service, f"/#/tasks/{task}", viewport={"width": 390, "height": 844})
    verdict = page.locator(".verdict")
    expect(verdict).to_contain_text("Leaks")
    expect(verdict.locator("li").first).to_be_visible()
    page.locator("details summary").first.click()
    expect(page.locator("details li").first).to_contain_text("↔")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
