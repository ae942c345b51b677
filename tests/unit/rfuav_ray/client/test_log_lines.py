"""An event of a log as a line on a terminal."""

from datetime import UTC, datetime

import pytest

from rfuav_ray.client.log_lines import log_line


@pytest.mark.parametrize(
    "timestamp", ["2026-01-01T12:00:00Z", "2026-01-01T13:00:00+01:00", "2026-01-01T12:00:00.123456+00:00"]
)
def test_log_lines_times_are_local(timestamp):
    moment = datetime(2026, 1, 1, 12, tzinfo=UTC).astimezone()
    assert log_line({"timestamp": timestamp, "message": "x"}).plain == f"{moment:%H:%M:%S} INFO    x"


@pytest.mark.parametrize(
    "entry", [{}, {"timestamp": None, "message": ""}, {"timestamp": "yesterday"}, {"timestamp": 5}]
)
def test_log_lines_an_entry_may_lack_anything(entry):
    assert log_line(entry).plain == "--:--:-- INFO    "
