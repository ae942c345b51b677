import pytest

from rfuav_ray.wording import some, some_reasons


@pytest.mark.parametrize(
    ("names", "said"),
    [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c", "d"], "a, b and 2 more")],
)
def test_wording_the_first_names_and_how_many_more(names, said):
    assert some(names, 2) == said


@pytest.mark.parametrize(("total", "end"), [(2, "0.; 1."), (99, "8.; 9. … and 89 more")])
def test_wording_the_first_reasons_and_how_many_more_of_all(total, end):
    # The list may be shorter than all.
    said = some_reasons([f"{number}." for number in range(min(total, 20))], total)
    assert said.startswith("0.; 1.") and said.endswith(end)
