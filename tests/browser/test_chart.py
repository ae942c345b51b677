"""The curves of a training: the values of an epoch, and the logarithmic scale."""

import math
import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def history(client, trained):
    """The metrics of each epoch, as the log has them."""
    entries = client.get_logs(trained["task_id"])
    return [entry["metrics"] for entry in entries if entry.get("stage") == "epoch_end"]


@pytest.fixture
def figure(open_page, service, trained, history):
    """The losses' drawing, complete."""
    page = open_page(service, f"/#/tasks/{trained['task_id']}")
    figure = page.locator("figure.chart", has_text="Loss")
    expect(figure.locator(".line.two circle")).to_have_count(len(history))
    return figure


def places(figure):
    """x and y of the training loss by epoch."""
    return figure.locator(".line.one circle").evaluate_all(
        "dots => dots.map(dot => [+dot.getAttribute('cx'), +dot.getAttribute('cy')])"
    )


def expect_values_of(figure, row):
    text = re.compile(rf"^Epoch {row['epoch']}: training ([\d.]+), validation ([\d.]+)$")
    values = figure.locator(".values")
    expect(values).to_have_text(text)
    shown = [float(number) for number in text.match(values.inner_text()).groups()]
    assert shown == pytest.approx([row["train_loss"], row["val_loss"]], abs=1e-4)


def test_chart_shows_the_epoch_at_the_pointer(figure, history):
    drawing = figure.get_by_role("img")
    for row, (x, _) in zip(history, places(figure), strict=True):
        drawing.hover(position={"x": x + 3, "y": 100})
        expect_values_of(figure, row)
        expect(figure.locator(".cursor circle")).to_have_count(2)
    figure.page.mouse.move(0, 0)
    expect(figure.locator(".values")).to_have_text("")
    expect(figure.locator(".cursor circle")).to_have_count(0)


def test_chart_shows_epochs_by_arrow_keys(figure, history):
    figure.get_by_role("img").focus()
    for row in reversed(history[-3:]):
        figure.page.keyboard.press("ArrowLeft")
        expect_values_of(figure, row)
    figure.page.keyboard.press("ArrowRight")
    expect_values_of(figure, history[-2])


def heights_are_of(figure, values):
    """Whether the dots are as high as these values on a linear scale."""
    heights = [-y for _, y in places(figure)]
    low, high = values.index(min(values)), values.index(max(values))
    a_unit = (heights[high] - heights[low]) / (values[high] - values[low])
    expected = [heights[low] + (value - values[low]) * a_unit for value in values]
    return a_unit > 0 and heights == pytest.approx(expected, abs=0.2)


def test_chart_has_a_logarithmic_scale(figure, history):
    losses = [row["train_loss"] for row in history]
    logarithms = [math.log10(loss) for loss in losses]
    curve = figure.locator(".line.one path")
    linear = curve.get_attribute("d")
    assert heights_are_of(figure, losses) and not heights_are_of(figure, logarithms)
    switch = figure.page.get_by_role("checkbox", name="Logarithmic")
    switch.check()
    expect(curve).not_to_have_attribute("d", linear)
    assert heights_are_of(figure, logarithms)
    figure.get_by_role("img").hover(position={"x": places(figure)[0][0], "y": 100})
    expect_values_of(figure, history[0])
    switch.uncheck()
    expect(curve).to_have_attribute("d", linear)
