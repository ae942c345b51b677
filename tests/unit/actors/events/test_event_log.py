import json

from actors.events.event_log import WINDOW, EventLog, EventWindow, is_final

FINAL = {"message": "done", "stage": "completed", "status": "failed"}


def put(log, source, first_index, *entries):
    rows = log.number("task", source, first_index, entries)
    log.show((sequence, entry) for _, sequence, _, _, entry in rows)
    return [sequence for _, sequence, _, _, _ in rows]


def messages(events):
    return [json.loads(entry)["message"] for _, entry in events]


def test_event_log_sequence_numbers_begin_at_1_and_have_no_gaps_over_sources():
    log = EventLog()
    assert put(log, "run", 0, {"message": "a"}, {"message": "b"}) == [1, 2]
    assert put(log, "manager", 0, {"message": "c"}) == [3]
    assert messages(log.read(0, 10)) == ["a", "b", "c"]


def test_event_log_a_report_that_arrives_again_adds_nothing_and_what_is_new_in_it_is_kept():
    log = EventLog()
    put(log, "run", 0, {"message": "a"}, {"message": "b"})
    assert put(log, "run", 1, {"message": "b"}, {"message": "c"}) == [3]
    assert messages(log.read(0, 10)) == ["a", "b", "c"]


def test_event_log_a_log_read_from_the_store_goes_on_where_it_ended():
    log = EventLog(last_sequence=7, seen={"run": 4})
    assert put(log, "run", 3, {"message": "old"}, {"message": "old"}, {"message": "new"}) == [8]


def test_event_log_nothing_follows_the_last_event():
    log = EventLog()
    put(log, "manager", 0, FINAL)
    assert log.is_closed
    assert put(log, "run", 0, {"message": "late"}) == []


def test_event_log_readers_see_events_only_when_they_are_stored():
    log = EventLog()
    first = log.number("task", "run", 0, [{"message": "a"}])
    second = log.number("task", "manager", 0, [FINAL])
    assert log.read(0, 10) == []
    log.show((row[1], row[4]) for row in first)
    assert messages(log.read(0, 10)) == ["a"] and not log.is_closed
    log.show((row[1], row[4]) for row in second)
    assert log.is_closed


def test_event_log_reading_goes_on_behind_a_position_and_in_pages():
    log = EventLog()
    put(log, "run", 0, *({"message": str(n)} for n in range(1, 6)))
    assert messages(log.read(2, 2)) == ["3", "4"]
    assert log.read(5, 2) == []


def test_event_log_what_left_the_window_is_read_elsewhere():
    window = EventWindow()
    window.show((n, "{}") for n in range(1, WINDOW + 11))
    assert window.read(9, 1) is None
    assert window.read(10, 1) == [(11, "{}")]


def test_event_log_only_stage_completed_with_a_status_is_final():
    assert is_final(json.dumps(FINAL))
    assert not is_final(json.dumps({"message": '"stage": "completed", "status": "x"'}))
    assert not is_final(json.dumps({"stage": "completed", "message": "no status"}))
    assert not is_final(json.dumps({"stage": "training", "status": "completed"}))
