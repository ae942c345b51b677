"""The report of an evaluation, opened from the artifacts of its task: it is shown, and nothing of it runs."""

import re

import pytest
from playwright.sync_api import expect

from rfuav_ray.client import RFUAVClient
from tests.support.evaluation_runs import Evaluation, add_recording

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def evaluated(service, root):
    """The address of a report, and the file."""
    folder = root / "evaluation"
    folder.mkdir()
    made = Evaluation(folder)
    for number in range(2):
        for label in (0, 1):
            add_recording(made.data, f"r{number}", label, snr_db=30, seed=number)
    fields = {"data_path": made.data, "save_path": folder / "out", "device": "cpu"}
    with RFUAVClient(service) as client:
        accepted = client.start_evaluation(folder / "model.yaml", folder / "weights.pth", **fields)
        task = client.wait(accepted["task_id"], timeout=120)
    assert task["status"] == "completed", task
    return f"/api/v2/tasks/{task['task_id']}/artifacts/report.html", folder / "out" / "report.html"


@pytest.mark.parametrize(
    ("scheme", "ground", "ink"),
    [
        ("light", "rgb(243, 245, 246)", "rgb(23, 33, 43)"),
        ("dark", "rgb(16, 22, 27)", "rgb(228, 234, 238)"),
    ],
)
def test_report_is_shown_with_its_styles_and_plots(open_page, service, evaluated, scheme, ground, ink):
    page = open_page(service, evaluated[0], color_scheme=scheme)
    expect(page.locator("h1")).to_have_text("How good is resnet18?")
    expect(page.locator("html")).to_have_css("background-color", ground)
    plots = page.locator("figure svg")
    expect(plots).to_have_count(2)
    for plot in plots.all():
        expect(plot).to_be_visible()
        expect(plot).to_have_css("fill", ink)
    page.emulate_media(media="print")
    expect(page.locator("html")).to_have_css("background-color", "rgb(255, 255, 255)")


def test_report_fits_a_phone(open_page, service, evaluated):
    page = open_page(service, evaluated[0], viewport={"width": 360, "height": 740})
    assert page.locator("html").bounding_box()["width"] == 360
    assert page.locator("section").first.bounding_box()["width"] < 360


def test_report_that_somebody_has_changed_runs_nothing(chromium, service, evaluated):
    path, file = evaluated
    own = file.read_text(encoding="utf-8")
    script = "<script>document.title = 'ran'</script><img src=x onerror=\"document.title = 'ran'\">"
    # Also without the policy that the page has itself.
    file.write_text(re.sub("<meta http-equiv.*>", "", own).replace("<main>", f"<main>{script}"), encoding="utf-8")
    context = chromium.new_context()
    try:
        page = context.new_page()
        page.goto(service + path)
        expect(page.locator("h1")).to_be_visible()
        assert page.title() == "resnet18: evaluation"
    finally:
        context.close()
        file.write_text(own, encoding="utf-8")
