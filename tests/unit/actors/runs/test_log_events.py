"""Warnings of the domain's loggers become events of the run's task."""

import logging

from actors.runs import log_events
from actors.runs.log_events import warnings_as_events
from rfuav_ray.events import RunEvent

SIGNALS = logging.getLogger("rfuav_ray.signals.formats.sigmf.pair")


def test_log_events_warnings_as_events_each_text_is_one_event():
    events = []
    with warnings_as_events(events.append):
        for path in ("a.sigmf-meta", "b.sigmf-meta", "a.sigmf-meta"):
            SIGNALS.warning("%s: the captures have different frequencies", path)
        SIGNALS.info("nothing to warn of")
        logging.getLogger("preprocessing.split").error("this is wrong")
        logging.getLogger("actors.runs.reporter").warning("not of the domain")
    SIGNALS.warning("the run has ended")
    assert events == [
        RunEvent(message="a.sigmf-meta: the captures have different frequencies", level="WARNING"),
        RunEvent(message="b.sigmf-meta: the captures have different frequencies", level="WARNING"),
        RunEvent(message="this is wrong", level="ERROR"),
    ]


def test_log_events_warnings_as_events_more_than_a_log_can_show_are_left_out(monkeypatch):
    monkeypatch.setattr(log_events, "MAX_EVENTS", 3)
    events = []
    with warnings_as_events(events.append):
        for number in range(10):
            SIGNALS.warning("recording %d is odd", number)
    assert [event.message for event in events[-2:]] == [
        "recording 2 is odd",
        "Further warnings of this kind are left out.",
    ]
