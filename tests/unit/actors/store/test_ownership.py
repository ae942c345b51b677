"""Two services and one store."""

import pytest

from actors.store import ownership
from actors.store.database import connect
from actors.store.ownership import LEASE_S, LOOK_EVERY_S, Owner, OwnershipLost, take, wait_until_free
from actors.store.setup import prepare_store
from actors.store.store import Store
from rfuav_ray.errors import RfuavError
from tests.support.sample_tasks import a_row

MINE, OTHER = Owner.new("here:/state"), Owner.new("there:/state")


class Sleeps:
    """Sleeps without a wait, and calls `meanwhile` each time."""

    def __init__(self, meanwhile=lambda: None):
        self.total_s = 0.0
        self._meanwhile = meanwhile

    def __call__(self, seconds):
        self.total_s += seconds
        self._meanwhile()


@pytest.fixture
def engine(url):
    found = connect(url)
    yield found
    found.dispose()


@pytest.fixture
def store_of(url):
    stores = []

    def make(owner):
        stores.append(Store(url, owner))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def takes_over(engine, owner, sleep):
    take(engine, wait_until_free(engine, owner, sleep), owner)


def test_ownership_a_new_store_and_one_that_was_given_up_are_free(url, engine, store_of):
    sleep = Sleeps()
    assert wait_until_free(engine, MINE, sleep).owner is None  # without tables
    prepare_store(url, MINE)
    store_of(MINE).release_ownership()
    takes_over(engine, OTHER, sleep)
    assert sleep.total_s == 0


def test_ownership_a_later_start_of_the_same_service_does_not_wait(url, engine, store_of):
    prepare_store(url, MINE)
    sleep = Sleeps()
    again = Owner.new(MINE.name)
    takes_over(engine, again, sleep)
    assert sleep.total_s == 0
    store_of(again).commit([a_row(1)], [], [])


def test_ownership_a_service_that_renews_keeps_its_store(url, engine, store_of):
    prepare_store(url, MINE)
    store = store_of(MINE)
    sleep = Sleeps(store.renew_ownership)
    with pytest.raises(RfuavError, match=r"in use by another service, here:/state\."):
        wait_until_free(engine, OTHER, sleep)
    assert sleep.total_s == LOOK_EVERY_S
    store.commit([a_row(1)], [], [])


def test_ownership_a_silent_service_loses_its_store_after_the_lease_and_can_write_nothing(url, engine, store_of):
    prepare_store(url, MINE)
    mine = store_of(MINE)
    row = a_row(1)
    mine.commit([row], [], [])
    sleep = Sleeps()
    takes_over(engine, OTHER, sleep)
    assert sleep.total_s == LEASE_S
    for write in (
        lambda: mine.commit([a_row(1, version=9)], [], []),
        lambda: mine.write_setting("limits", {}),
        mine.renew_ownership,
    ):
        with pytest.raises(OwnershipLost):
            write()
    other = store_of(OTHER)
    assert other.load_tasks() == [row] and other.read_setting("limits", None) is None
    mine.release_ownership()  # which is not its own any more
    other.commit([a_row(2)], [], [])


def test_ownership_a_store_that_is_given_up_during_the_wait_is_free_at_once(url, engine, store_of):
    prepare_store(url, MINE)
    sleep = Sleeps(store_of(MINE).release_ownership)
    takes_over(engine, OTHER, sleep)
    assert sleep.total_s == LOOK_EVERY_S


@pytest.mark.parametrize("is_new", [True, False])
def test_ownership_of_two_that_take_a_store_together_one_gets_it(url, engine, is_new):
    prepare_store(url)
    if not is_new:
        takes_over(engine, Owner.new("third"), Sleeps())
    seen = wait_until_free(engine, MINE, Sleeps())
    take(engine, seen, MINE)
    with pytest.raises(RfuavError, match="has just taken"):
        take(engine, seen, OTHER)


def test_ownership_the_lease_outlives_a_pause_and_a_restart_of_the_task_manager():
    assert ownership.RENEW_EVERY_S + 15 < LEASE_S
