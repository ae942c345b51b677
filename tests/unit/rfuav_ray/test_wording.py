import pytest

from rfuav_ray.wording import some, some_reasons


@pytest.mark.parametrize(
    ("names", "said"),
    [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c", "d"], "a, b and 2 more")],
)
def test_wording_the_first_names_and_how_many_more(names, said):
    assert some(names, 2) == said


@pytest.mark.parametrize(("total", "said"), [(2, "A.; B."), (7, "A.; B. … and 5 more")])
def test_wording_the_first_reasons_and_how_many_more_of_all(total, said):
    assert some_reasons(["A.", "B.", "C."][:total], 2, total) == said
