import asyncio

import pytest

from actors.batching import Batcher


@pytest.fixture
def batcher():
    """A batcher whose batches wait for `may_go_on`, with the list of its batches."""

    def make(answer=lambda items: items):
        batches, may_go_on = [], asyncio.Event()

        async def hand_over(items):
            await may_go_on.wait()
            batches.append(items)
            return answer(items)

        return Batcher(hand_over), batches, may_go_on

    return make


async def adding(one, *items):
    added = [asyncio.create_task(one.add(item)) for item in items]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return added


def test_batching_items_that_wait_together_become_one_batch_in_order(batcher):
    async def main():
        one, batches, may_go_on = batcher()
        first = await adding(one, 0)
        others = await adding(one, 1, 2, 3)
        may_go_on.set()
        assert await asyncio.gather(*first, *others) == [0, 1, 2, 3]
        assert batches == [[0], [1, 2, 3]]

    asyncio.run(main())


def test_batching_a_failed_batch_fails_its_callers_and_the_next_one_works(batcher):
    def answer(items):
        if "bad" in items:
            raise OSError("disk full")
        return items

    async def main():
        one, _, may_go_on = batcher(answer)
        may_go_on.set()
        with pytest.raises(OSError, match="disk full"):
            await one.add("bad")
        assert await one.add("good") == "good"

    asyncio.run(main())


def test_batching_each_item_has_its_own_error(batcher):
    async def main():
        one, _, may_go_on = batcher(lambda items: [KeyError(item) if item == "bad" else item for item in items])
        added = await adding(one, "bad", "good")
        may_go_on.set()
        answers = await asyncio.gather(*added, return_exceptions=True)
        assert isinstance(answers[0], KeyError) and answers[1] == "good"

    asyncio.run(main())


def test_batching_nobody_waits_for_ever_for_an_answer_that_is_missing(batcher):
    async def main():
        one, _, may_go_on = batcher(lambda items: items[1:])
        may_go_on.set()
        with pytest.raises(ValueError, match="1 items got 0 answers"):
            await one.add("a")

    asyncio.run(main())


def test_batching_a_caller_that_goes_away_does_not_stop_the_others(batcher):
    async def main():
        one, batches, may_go_on = batcher()
        leaving, staying = await adding(one, "leaving", "staying")
        leaving.cancel()
        await asyncio.sleep(0)
        may_go_on.set()
        assert await staying == "staying"
        assert [item for batch in batches for item in batch] == ["leaving", "staying"]

    asyncio.run(main())
