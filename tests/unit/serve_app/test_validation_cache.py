import asyncio
from itertools import count

import pytest

from rfuav_ray.api.requests import TrainingRequest
from rfuav_ray.errors import InvalidInput
from serve_app import validation_cache as checks

#: none knows what another has found good
_numbers = count()
FIELDS = {"model": "resnet18", "num_classes": 2, "train_path": "t", "val_path": "v", "save_path": "s"}


class Check:
    """Resolves one path, or refuses; counts how often it looked."""

    def __init__(self, error=None):
        self.__name__ = f"check {next(_numbers)}"
        self.looked = 0
        self.error = error

    def __call__(self, request):
        self.looked += 1
        if self.error:
            raise self.error
        return request.model_copy(update={"train_path": f"/data/{request.train_path}"})


def checked(check, **fields):
    return asyncio.run(checks.checked(check, TrainingRequest(**FIELDS | fields)))


def test_validation_cache_what_was_just_found_good_is_not_looked_at_again_and_keeps_what_is_its_own():
    check = Check()
    first = checked(check, task_id="one", description="first", priority=1)
    second = checked(check, task_id="two", priority=2)
    assert check.looked == 1 and first.train_path == second.train_path == "/data/t"
    assert (second.task_id, second.description, second.priority) == ("two", None, 2)


def test_validation_cache_another_request_is_looked_at():
    check = Check()
    assert [checked(check, train_path=path).train_path for path in "abab"] == [f"/data/{path}" for path in "abab"]
    assert check.looked == 2


def test_validation_cache_after_a_moment_it_is_looked_at_again(monkeypatch):
    monkeypatch.setattr(checks, "REMEMBERED_S", 0.0)
    check = Check()
    checked(check)
    checked(check)
    assert check.looked == 2


def test_validation_cache_what_was_refused_is_looked_at_again():
    check = Check(InvalidInput("train_path", "is not there"))
    with pytest.raises(InvalidInput):
        checked(check)
    check.error = None
    assert checked(check).train_path == "/data/t"


def test_validation_cache_it_remembers_so_much_and_no_more(monkeypatch):
    monkeypatch.setattr(checks, "MOST_REMEMBERED", 3)
    check = Check()
    for number in range(10):
        checked(check, train_path=str(number))
    checked(check, train_path="0")
    assert check.looked == 11
