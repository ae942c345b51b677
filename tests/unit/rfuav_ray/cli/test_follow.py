import io

import pytest
from rich.console import Console

from rfuav_ray.cli.follow import LiveView, LogView, duration_text, follow_task, open_view, short
from rfuav_ray.client import RFUAVClient
from tests.support.consoles import text_of
from tests.support.fake_service import event, last_event, running_service, stream, task

METRICS = {"train_loss": 0.12345, "val_acc": 93.14, "macro_f1": 0.9, "val_loss": 1.0}
RUNNING = task(
    status="running", progress=25.0, current_epoch=3, total_epochs=12, latest_metrics=METRICS, eta_seconds=600.0
)


@pytest.fixture
def terminal():
    return Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)


@pytest.fixture
def pipe():
    return Console(file=io.StringIO(), width=120)


def shown_for(console, fields):
    with LiveView(console, "night-run") as view:
        view.update(fields)
    return text_of(console)


def test_follow_a_terminal_shows_epoch_figures_and_remaining_time(terminal):
    text = shown_for(terminal, RUNNING)
    for part in ("night-run  epoch 3/12", "25%", "loss 0.1235", "val acc 93.1 %", "F1 0.900", "ETA 10 min"):
        assert part in text


def test_follow_the_first_epoch_has_no_figures_yet(terminal):
    text = shown_for(terminal, task(status="running", progress=0, current_epoch=1, total_epochs=2))
    assert "epoch 1/2" in text
    assert "val acc" not in text


def test_follow_a_waiting_task_shows_its_place(terminal):
    assert "number 4 in the queue" in shown_for(terminal, task(status="pending", progress=0, queue_position=4))


@pytest.mark.parametrize("kind", ["inference", "split", "spectrogram"])
def test_follow_tasks_without_epochs_show_how_far_they_are(terminal, kind):
    text = shown_for(terminal, task(task_type=kind, status="running", progress=50.0, eta_seconds=5.0))
    assert "epoch" not in text
    assert "50%" in text
    assert "ETA 5 s" in text


def test_follow_log_lines_stay_above_the_bar(terminal):
    with LiveView(terminal, "t") as view:
        view.log({"level": "ERROR", "message": "[red]raw[/red]"})
    assert "ERROR   [red]raw[/red]\n" in text_of(terminal)


def test_follow_a_pipe_gets_lines_only(pipe):
    with open_view(pipe, "t") as view:
        view.update(RUNNING)
        view.log({"level": "INFO", "message": "one"})
    assert type(view) is LogView
    assert text_of(pipe) == "--:--:-- INFO    one\n"


def test_follow_a_terminal_gets_the_live_view(terminal):
    assert isinstance(open_view(terminal, "t"), LiveView)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0 s"), (0, "0 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h"), (172800, "2 d")],
)
def test_follow_durations_read_well(seconds, text):
    assert duration_text(seconds) == text


@pytest.mark.parametrize("kind", ["pipe", "terminal"])
def test_follow_following_shows_the_log_and_returns_the_ended_task(kind, request):
    console = request.getfixturevalue(kind)
    with running_service() as service:
        service.on("GET /api/v2/tasks/t1/logs", stream(event(1, "one"), last_event(2, "failed")))
        service.on("GET /api/v2/tasks/t1", task(status="failed", error="why"))
        with RFUAVClient(service.url) as client:
            assert follow_task(client, "t1", console)["error"] == "why"
    assert "INFO    one\n" in text_of(console)


def test_follow_the_bar_is_fed_from_the_service_while_the_log_is_silent(terminal, monkeypatch):
    monkeypatch.setattr("rfuav_ray.cli.follow.REFRESH_EVERY_S", 0.01)
    with running_service() as service:
        asked = []

        def read_task(handler):
            asked.append(True)
            if len(asked) == 3:
                service.is_over.set()  # now the log goes on
            running(handler)

        service.on("GET /api/v2/tasks/t1/logs", service.hang(event(1, "one")), stream(last_event(2)))
        service.on("GET /api/v2/tasks/t1", task())
        running = service.replies["GET /api/v2/tasks/t1"][0]
        service.on("GET /api/v2/tasks/t1", read_task)
        with RFUAVClient(service.url, retry_delays_s=(0.0,)) as client:
            follow_task(client, "t1", terminal)
    assert "100%" in text_of(terminal)


@pytest.mark.parametrize(
    ("task_id", "shown"),
    [("night-run-7", "night-run-7"), ("01a21bc6-ae76-42c0-96f6-64e0dcb8a95f", "…64e0dcb8a95f")],
)
def test_follow_tasks_of_the_same_moment_have_different_titles(task_id, shown):
    assert short(task_id) == shown
