import asyncio
import threading

import pytest

from actors.batching import GroupCommit


def test_batching_writes_that_wait_together_become_one_transaction_in_order():
    batches = []
    may_save = threading.Event()

    def save(items):
        may_save.wait(5)
        batches.append(items)

    async def main():
        commit = GroupCommit(save)
        first = asyncio.create_task(commit.write([0]))
        await asyncio.sleep(0)
        others = [asyncio.create_task(commit.write([n, -n])) for n in range(1, 4)]
        await asyncio.sleep(0)
        may_save.set()
        await asyncio.gather(first, *others)

    asyncio.run(main())
    assert [item for batch in batches for item in batch] == [0, 1, -1, 2, -2, 3, -3]
    assert batches[-1] == [1, -1, 2, -2, 3, -3]


def test_batching_a_failed_transaction_fails_its_callers_and_the_next_one_works():
    stored = []

    def save(items):
        if "bad" in items:
            raise OSError("disk full")
        stored.extend(items)

    async def main():
        commit = GroupCommit(save)
        with pytest.raises(OSError, match="disk full"):
            await commit.write(["bad"])
        await commit.write(["good"])

    asyncio.run(main())
    assert stored == ["good"]


def test_batching_a_caller_that_goes_away_does_not_stop_the_others():
    stored = []
    may_save = threading.Event()

    def save(items):
        may_save.wait(5)
        stored.extend(items)

    async def main():
        commit = GroupCommit(save)
        leaving = asyncio.create_task(commit.write(["leaving"]))
        staying = asyncio.create_task(commit.write(["staying"]))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        may_save.set()
        await staying

    asyncio.run(main())
    assert stored == ["leaving", "staying"]
