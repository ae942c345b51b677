import pytest

from rfuav_ray.models.class_names import doubts, first_difference, is_sorted


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["FRSKY-X14", "FRSKY-X20R", "FRSKY-X9DP2019"], True),  # by characters, as ImageFolder sorts
        (["B", "a"], True),
        (["a", "B"], False),
        (["1", "10", "2"], True),
        (["1", "2", "10"], False),
        ([], True),
    ],
)
def test_class_names_are_sorted_as_folders_are(names, expected):
    assert is_sorted(names) is expected


def test_class_names_the_first_difference_is_named():
    names = ["DJI A", "FRSKY-X9DP2019", "FRSKY-X20R", "FRSKY-X14"]
    assert (
        first_difference(names)
        == "class 1 is 'FRSKY-X9DP2019' in the config's list but 'FRSKY-X14' in sorted order"
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a", "b", "a"], ["classes 0 and 2 have the same name: 'a'. Only class_index tells them apart"]),
        (["dr\u00f6ne", "dro\u0308ne"], ["classes 0 and 1 have names that look the same: 'dröne'."]),
        (["a", "b "], ["the name of class 1 begins or ends with a space: 'b '"]),
        (["a", "a "], ["the name of class 1 begins", "classes 0 and 1 have names that look the same"]),
        (["a", "A", "yes", "007", "7", "1e3", "no"], []),
    ],
)
def test_class_names_that_could_be_mistaken_are_named(names, expected):
    found = list(doubts(names))
    assert len(found) == len(expected)
    assert all(one.startswith(start) for one, start in zip(found, expected, strict=True))
