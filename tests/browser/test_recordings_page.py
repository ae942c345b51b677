"""What an inference says about recordings: the table of verdicts, and the view of one recording."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import expect

from rfuav_ray.client import RFUAVClient
from rfuav_ray.inference.results.row_files import writing_rows
from tests.support.images import write_image
from tests.support.inference_runs import RATE_HZ, STFT, Run
from tests.support.signals import noise, tone

pytestmark = pytest.mark.timeout(180)

WINDOW = 10_000
STEP_S = 0.01
#: windows, class and probability; None: nothing is on the air
Parts = list[tuple[int, str | None, float | None]]
#: what the recordings are said to be
FLIGHT: Parts = [(10, "drone 1", 0.9), (5, None, None), (10, "drone 2", 0.6), (5, "drone 1", 0.8)]
SAID: dict[str, Parts] = {"flight": FLIGHT, "remote": [(5, "drone 3", 0.4)], "silence": [(5, None, None)]}
PICTURE_PIXELS = STFT["image_size"]


@pytest.fixture(scope="module")
def run(root):
    """A model of random weights, and three recordings as long as SAID says."""
    made = Run.for_recordings(root / "recorded")
    for name, parts in SAID.items():
        count = WINDOW * sum(windows for windows, *_ in parts)
        made.add_recording(name, 0.02 * noise(count) + 0.5 * tone(1e5, RATE_HZ, count))
    return made


def classify(service, run, source):
    with RFUAVClient(service) as client:
        fields = {"cfg_path": run.folder / "model.yaml", "weight_path": run.folder / "weights.pth"}
        texts = {name: str(value) for name, value in (fields | {"source_path": source}).items()}
        task = client.wait(client.start_inference(device="cpu", **texts)["task_id"], timeout=100)
    assert task["status"] == "completed", task
    return task


@pytest.fixture(scope="module")
def inferred(service, run):
    """A completed inference, with the model's answers."""
    return classify(service, run, run.source)


@pytest.fixture(scope="module")
def said(service, run):
    """A completed inference whose answers are SAID: random weights would not tell the signals apart."""
    return say(service, classify(service, run, run.source), SAID)


def prediction(file, frame, name, probability):
    likeliest = [(name, probability), *((f"other {place}", 0.01) for place in range(4))] if name else []
    return {
        "file": file,
        "frame": frame,
        "time_s": round(frame * STEP_S, 9),
        "class_name": name,
        "class_index": None if name is None else 0,
        "probability": probability,
        "top5": [{"class_name": one, "probability": amount} for one, amount in likeliest],
        "unknown": None if name is None else probability < 0.5,
    }


def say(service, task, plans):
    """Write other answers in the place of the model's."""
    with RFUAVClient(service) as client:
        recordings = client.get_inference_recordings(task["task_id"])["recordings"]
    rows = []
    for recording, parts in zip(recordings, plans.values(), strict=True):
        first_row, segments = len(rows), []
        for windows, name, probability in parts:
            start = len(rows) - first_row
            rows += [
                prediction(recording["file"], frame, name, probability) for frame in range(start, start + windows)
            ]
            if name and probability >= 0.5:
                times = {"start_s": start * STEP_S, "end_s": (start + windows) * STEP_S}
                segments.append(times | {"class_name": name, "probability": probability})
        count = len(rows) - first_row
        _, name, probability = parts[0]
        verdict = (
            {"class_name": name, "probability": probability, "share": 0.5, "unknown": probability < 0.5}
            if name
            else None
        )
        recording |= {"first_row": first_row, "rows": count, "windows": count, "duration_s": count * STEP_S}
        recording |= {"segments": segments, "verdict": verdict}
    folder = Path(task["result"]["save_path"])
    for key, all_rows in (("predictions", rows), ("recordings", recordings)):
        files = (folder / f"{key}.{suffix}" for suffix in ("json", "jsonl", "index"))
        with writing_rows(*files, model="m", key=key) as write:
            for row in all_rows:
                write(row)
    return task


@pytest.fixture
def page(open_page, service, said):
    page = open_page(service, f"/#/tasks/{said['task_id']}")
    page.locator(".tiles button").first.wait_for()
    return page


def files(page):
    return page.locator("table.recordings tbody tr button")


def expect_picture(place):
    expect(place.locator("img")).to_have_js_property("complete", True)
    assert place.locator("img").evaluate("image => image.naturalWidth") == PICTURE_PIXELS


def test_recordings_page_shows_what_an_inference_said(open_page, service, client, inferred):
    page = open_page(service, f"/#/tasks/{inferred['task_id']}")
    recordings = client.get_inference_recordings(inferred["task_id"])["recordings"]
    expect(files(page)).to_have_text([recording["file"] for recording in recordings])
    for recording, row in zip(recordings, page.locator("table.recordings tbody tr").all(), strict=True):
        if recording["verdict"]:
            expect(row).to_contain_text(recording["verdict"]["class_name"])
    expect(page.get_by_role("heading", name=recordings[0]["file"])).to_be_visible()
    expect(page.locator("table.predictions")).to_have_count(0)
    page.locator(".tiles button").first.click()
    expect_picture(page.get_by_role("dialog").locator(".picture"))


def test_recordings_page_finds_recordings_by_verdict(page):
    expect(files(page)).to_have_text(["flight.sigmf-meta", "remote.sigmf-meta", "silence.sigmf-meta"])
    rows = page.locator("table.recordings tbody tr")
    expect(rows.nth(0)).to_contain_text(re.compile(r"0\.3 s.*drone 1.*90 %.*50 %.*3"))
    expect(rows.nth(1).locator(".tag")).to_have_text("unknown")
    expect(rows.nth(2)).to_contain_text("Nothing on the air")
    state = page.get_by_role("combobox", name="State")
    for chosen, name in (("unknown", "remote"), ("known", "flight"), ("nothing", "silence")):
        state.select_option(chosen)
        expect(files(page)).to_have_text([f"{name}.sigmf-meta"])
    state.select_option("all")
    page.get_by_label("Confidence below").fill("50")
    expect(files(page)).to_have_text(["remote.sigmf-meta"])
    page.get_by_label("Confidence below").fill("10")
    expect(page.locator("table.recordings tbody")).to_have_text("Nothing matches.")


def test_recordings_page_opens_a_recording_by_keyboard(page):
    files(page).nth(1).focus()
    page.keyboard.press("Enter")
    heading = page.get_by_role("heading", name="remote.sigmf-meta")
    expect(heading).to_be_focused()
    expect(files(page).nth(1)).to_have_attribute("aria-current", "true")
    expect(page.locator(".tiles button")).to_have_count(5)
    expect(page.locator(".tiles .tag")).to_have_count(5)
    expect(page.locator(".block")).to_have_count(0)  # only unknown signals
    expect(page.locator(".strip path.is-unknown")).to_have_count(1)


def test_recordings_page_goes_through_the_segments_by_keyboard(page):
    blocks = page.locator(".block")
    expect(blocks).to_have_count(3)
    expect(blocks.locator("text")).to_have_text(["drone 1", "drone 2", "drone 1"])
    expect(page.locator(".classes li")).to_contain_text(["drone 1", "drone 2"])
    blocks.first.focus()
    values = page.locator(".recording > .values")
    expect(values).to_have_text("drone 1, 0–0.1 s, 90 %")
    page.keyboard.press("ArrowRight")
    expect(values).to_have_text("drone 2, 0.15–0.25 s, 60 %")
    page.keyboard.press("Enter")
    expect(blocks.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(
        page.get_by_role("heading", name="Spectrograms of the segment drone 2, 0.15–0.25 s, 60 %")
    ).to_be_visible()
    expect(page.locator(".tiles button")).to_have_count(10)
    expect(page.locator(".tiles button").first).to_have_accessible_name("Window 15, 0.15 s: drone 2, 60 %")
    blocks.nth(2).hover()
    expect(values).to_have_text("drone 1, 0.25–0.3 s, 80 %")


def test_recordings_page_goes_through_the_windows_by_keyboard(page):
    strip = page.get_by_role("slider", name="Window")
    strip.focus()
    for text in ("Window 1, 0.01 s: drone 1, 90 %", "Window 2, 0.02 s: drone 1, 90 %"):
        page.keyboard.press("ArrowRight")
        expect(strip).to_have_attribute("aria-valuetext", text)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Window 2, 0.02 s")
    expect(dialog.locator(".top5 li")).to_have_count(5)
    expect_picture(dialog.locator(".picture"))
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("heading")).to_have_text("Window 3, 0.03 s")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(strip).to_be_focused()
    expect(strip).to_have_attribute("aria-valuenow", "3")
    page.keyboard.press("End")
    expect(strip).to_have_attribute("aria-valuenow", "29")
    strip.click(position={"x": strip.bounding_box()["width"] * 0.4, "y": 20})
    expect(dialog.locator(".answer")).to_have_text("Nothing on the air")


def test_recordings_page_zooms(page):
    zoom = page.get_by_role("button", name="Zoom in", exact=True)
    zoom.click()
    expect(zoom).to_be_disabled()  # 10 windows are in sight
    expect(page.locator(".block")).to_have_count(1)
    page.get_by_role("slider", name="Window").focus()
    page.keyboard.press("End")
    expect(page.locator(".block").last).to_have_accessible_name(re.compile(r"0\.25–0\.3 s"))
    page.get_by_role("button", name="Whole recording").click()
    expect(page.locator(".block")).to_have_count(3)


def test_recordings_page_has_a_gallery_of_spectrograms(page):
    tiles = page.locator(".tiles button")
    expect(tiles).to_have_count(12)
    tiles.last.scroll_into_view_if_needed()
    expect(page.locator(".tiles img")).to_have_count(12)
    pages = page.locator(".gallery .pages")
    for text, count in (("13–24 of 30", 12), ("25–30 of 30", 6)):
        pages.get_by_role("button", name="Next").click()
        expect(pages).to_contain_text(text)
        expect(tiles).to_have_count(count)
    expect(tiles.last).to_have_accessible_name("Window 29, 0.29 s: drone 1, 80 %")
    tiles.last.click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Next")).to_be_disabled()
    expect_picture(page.get_by_role("dialog").locator(".picture"))


def test_recordings_page_loads_only_the_windows_in_sight(open_page, service, run):
    task = say(service, classify(service, run, run.source / "flight.sigmf-meta"), {"flight": FLIGHT * 700})
    page = open_page(service)
    asked = []
    page.on("request", lambda request: asked.append(urlsplit(request.url)))
    page.goto(f"{service}/#/tasks/{task['task_id']}")
    expect(page.locator(".tiles button")).to_have_count(12)
    expect(page.get_by_text("Zoom in to see single windows.")).to_be_visible()
    assert 0 < page.locator(".block").count() < 500
    page.locator(".block").first.click()
    expect(page.locator(".strip path")).not_to_have_count(0)
    limits = [int(parse_qs(one.query)["limit"][0]) for one in asked if one.path.endswith("/results")]
    assert sum(limits) <= 3000


def test_recordings_page_shows_images_and_windows_in_one_table(open_page, service, run):
    source = run.folder / "both"
    source.mkdir()
    for path in run.source.glob("remote.*"):
        (source / path.name).hardlink_to(path)
    for name in ("a.png", "z.png"):
        write_image(source / name, "vertical", np.random.default_rng(1))
    task = classify(service, run, source)
    page = open_page(service, f"/#/tasks/{task['task_id']}")
    expect(files(page)).to_have_text(["remote.sigmf-meta"])
    rows = page.locator("table.predictions tbody tr button")
    windows = [f"remote.sigmf-meta #{frame}" for frame in range(5)]
    expect(rows).to_have_text(["a.png", *windows, "z.png"])
    rows.nth(1).click()
    expect_picture(page.locator(".split .picture"))


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_recordings_page_fits_a_phone_and_keeps_the_accessibility_rules(open_page, service, said, colours, locale):
    size = {"width": 360, "height": 740}
    page = open_page(service, f"/#/tasks/{said['task_id']}", viewport=size, color_scheme=colours, locale=locale)
    page.locator(".tiles button").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.evaluate(AXE_FILE_PATH.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    serious = [
        (one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in {"serious", "critical"}
    ]
    assert serious == []
    page.locator(".tiles button").first.click()
    box = page.get_by_role("dialog").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= size["width"]
