"""Screenshots of the web page of a running service that has completed tasks: `python docs/screenshots.py URL`.

Each view is saved light and dark, for a phone and for a wide screen, in docs/images.
The button of the Chinese language needs a font with its characters.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from rfuav_ray.client import RFUAVClient

IMAGES = Path(__file__).parent / "images"
WIDTHS = {"phone": 390, "wide": 1440}
HIGHEST = 8000
SETTLES_MS = 1500
README_PART = {"x": 0, "y": 0, "width": 1440, "height": 1350}


def main(url: str) -> None:
    with RFUAVClient(url) as client:
        tasks = client.get_all_tasks(status="completed")
    views = {
        "overview": "/",
        "training": f"/#/tasks/{tasks['training_tasks'][0]['task_id']}",
        "inference": f"/#/tasks/{tasks['inference_tasks'][0]['task_id']}",
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for colours in ("light", "dark"):
            for size, width in WIDTHS.items():
                for view, path in views.items():
                    page = _open(browser, url + path, width, colours)
                    page.screenshot(path=IMAGES / f"page-{view}-{size}-{colours}.png")
                    if (view, size, colours) == ("training", "wide", "light"):
                        page.screenshot(path=IMAGES / "page.png", clip=README_PART)
                    page.context.close()
        browser.close()


def _open(browser: Browser, url: str, width: int, colours: str) -> Page:
    context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=colours, locale="en-GB")
    page = context.new_page()
    page.goto(url)
    page.wait_for_timeout(SETTLES_MS)
    # The window becomes as high as its content, because the browser does not lay out content outside the window.
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": min(HIGHEST, height)})
    page.wait_for_timeout(SETTLES_MS)
    return page


if __name__ == "__main__":
    main(sys.argv[1])
