import pytest

from actors.memory.decision import run_to_end
from rfuav_ray.machine.memory import Memory

GIB = 1024**3
ROOMY = Memory(24 * GIB, 12 * GIB)
SHORT = Memory(24 * GIB, 1 * GIB)


def test_run_to_end_is_none_while_there_is_memory():
    assert run_to_end({"a:1": 8 * GIB, "b:1": 1 * GIB}, ROOMY, 0.5) is None


def test_run_to_end_is_the_one_beyond_the_limit_and_says_so():
    ending = run_to_end({"a:1": 1 * GIB, "b:1": 13 * GIB}, ROOMY, 0.5)
    assert ending is not None and ending.run_id == "b:1"
    assert (
        "The run used 13.0 GiB of memory, the limit is 12.0 GiB (RUN_MEMORY_LIMIT=0.5 of 24.0 GiB)."
        in ending.reason
    )


@pytest.mark.parametrize("limit", [0, 0.8])
def test_run_to_end_is_the_largest_when_the_machine_is_short_whoever_took_the_memory(limit):
    ending = run_to_end({"a:1": 1 * GIB, "b:1": 2 * GIB}, SHORT, limit)
    assert ending is not None and ending.run_id == "b:1"
    assert "The machine had 1.0 of 24.0 GiB memory left. The run used 2.0 GiB" in ending.reason


def test_run_to_end_has_no_limit_with_0():
    assert run_to_end({"a:1": 20 * GIB}, Memory(24 * GIB, 3 * GIB), 0) is None


def test_run_to_end_is_none_without_runs():
    assert run_to_end({}, SHORT, 0.8) is None


def test_run_to_end_a_large_machine_is_short_below_some_gigabytes():
    assert run_to_end({"a:1": GIB}, Memory(1000 * GIB, 9 * GIB), 0.8) is None
    assert run_to_end({"a:1": GIB}, Memory(1000 * GIB, 7 * GIB), 0.8) is not None
