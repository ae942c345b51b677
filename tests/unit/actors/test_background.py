"""Background jobs that fail: what is logged, and what goes on."""

import asyncio
from functools import partial

import pytest

from actors import background
from actors.background import Jobs, uninterrupted
from tests.support.waiting import others_had_their_turn, until


def fails(times, then):
    """Endless work that fails so often, and then does something."""
    left = [ZeroDivisionError("a bug")] * times

    async def work():
        if left:
            raise left.pop()
        then()

    return work


def test_background_kept_work_that_fails_is_logged_and_started_again(caplog):
    done = []

    async def main():
        await Jobs().keep("the work", fails(2, lambda: done.append(1)), retry_s=0)

    asyncio.run(main())
    assert done == [1]
    assert [record.message for record in caplog.records] == ["the work failed and is started again in 0 s"] * 2
    assert "ZeroDivisionError: a bug" in caplog.text


def test_background_work_of_one_name_is_done_once_at_a_time():
    begun = []

    async def main():
        jobs, may_end = Jobs(), asyncio.Event()

        async def work():
            begun.append(1)
            await may_end.wait()

        first = jobs.keep("the work", work)
        assert jobs.keep("the work", work) is first
        await others_had_their_turn()
        assert begun == [1]
        may_end.set()
        await first
        await jobs.keep("the work", work)
        assert begun == [1, 1]
        await others_had_their_turn()
        assert not jobs._kept and not jobs._jobs  # noqa: SLF001  (nothing is kept for ever)

    asyncio.run(main())


def test_background_kept_work_that_is_cancelled_stays_so():
    async def main():
        job = Jobs().keep("the work", partial(asyncio.sleep, 3600))
        await others_had_their_turn()
        job.cancel()
        await until(job.done)
        assert job.cancelled()

    asyncio.run(main())


def test_background_the_error_of_a_single_job_is_logged(caplog):
    async def main():
        Jobs().spawn(fails(1, list)())
        await others_had_their_turn()

    asyncio.run(main())
    assert "a background job failed" in caplog.text and "ZeroDivisionError: a bug" in caplog.text


@pytest.fixture
def method():
    """A method that waits for the event, and then succeeds or fails."""

    def make(event, error=None):
        @uninterrupted
        async def run():
            await event.wait()
            if error:
                raise error
            return "done"

        return run

    return make


def test_background_a_method_whose_caller_waits_answers_it_and_logs_nothing(method, caplog):
    async def main():
        event = asyncio.Event()
        event.set()
        assert await method(event)() == "done"
        with pytest.raises(KeyError):
            await method(event, KeyError("unknown"))()

    asyncio.run(main())
    assert caplog.text == ""


def test_background_a_method_whose_caller_has_gone_finishes_and_its_error_is_logged(method, caplog):
    async def main():
        event = asyncio.Event()
        calling = asyncio.create_task(method(event, ZeroDivisionError("a bug"))())
        await others_had_their_turn()
        calling.cancel()
        await until(calling.done)
        assert calling.cancelled() and caplog.text == ""
        event.set()
        await others_had_their_turn()

    asyncio.run(main())
    assert "ZeroDivisionError: a bug" in caplog.text
    assert not background._left._jobs  # noqa: SLF001  (nothing is kept for ever)
