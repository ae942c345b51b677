import pytest

from actors.events.window import WINDOW, EventWindow


def events(first, last):
    return [(sequence, f'{{"message": "{sequence}"}}') for sequence in range(first, last + 1)]


@pytest.fixture
def window():
    window = EventWindow()
    window.show(events(1, 5))
    return window


def test_window_reads_pages_after_a_position(window):
    assert window.read(2, 2) == events(3, 4)
    assert window.read(0, 10) == events(1, 5)


@pytest.mark.parametrize("after", [5, 6, 100])
def test_window_does_not_have_events_that_were_not_shown(window, after):
    assert window.read(after, 10) is None


def test_window_without_events_has_none():
    assert EventWindow().read(0, 10) is None


def test_window_drops_the_oldest_events():
    window = EventWindow()
    window.show(events(1, WINDOW + 10))
    assert window.read(9, 1) is None
    assert window.read(10, 1) == events(11, 11)


def test_window_shows_an_event_once(window):
    window.show(events(4, 7))
    assert window.read(0, 10) == events(1, 7)


def test_window_starts_again_after_a_gap(window):
    window.show(events(8, 9))
    assert window.read(0, 10) is None
    assert window.read(7, 10) == events(8, 9)
