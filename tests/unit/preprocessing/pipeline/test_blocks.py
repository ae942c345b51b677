import pickle

from hypothesis import given
from hypothesis import strategies as st

from preprocessing.pipeline.blocks import in_blocks


def unpacked(items, workers, largest=10_000):
    return [pickle.loads(block) for block in in_blocks(items, workers, largest)]


@given(count=st.integers(0, 5000), workers=st.integers(1, 100), largest=st.integers(1, 2000))
def test_blocks_every_item_is_in_one_block_with_its_number_in_their_order(count, workers, largest):
    items = [f"item {number}" for number in range(count)]
    blocks = unpacked(items, workers, largest)
    assert [numbered for block in blocks for numbered in block] == list(enumerate(items))
    assert all(0 < len(block) <= largest for block in blocks)


@given(count=st.integers(1000, 5000), workers=st.integers(1, 10))
def test_blocks_become_smaller(count, workers):
    sizes = [len(block) for block in unpacked(range(count), workers)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 5 * sizes[-1]


@given(count=st.integers(1, 5000), workers=st.integers(1, 100))
def test_blocks_all_workers_have_some_as_long_as_there_are_enough(count, workers):
    assert len(unpacked(range(count), workers)) >= min(count, workers)


def test_blocks_a_set_is_few_blocks_for_each_worker():
    assert len(unpacked(range(6000), 2)) < 25


def test_blocks_names_that_are_no_text_travel_whole():
    assert unpacked(["drone-\udcff.png"], 1) == [[(0, "drone-\udcff.png")]]
