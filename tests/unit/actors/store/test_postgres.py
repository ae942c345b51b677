"""A PostgreSQL that ends, comes back, or refuses."""

import pytest

from actors.store.setup import prepare_store
from actors.store.store import Store
from rfuav_ray.errors import ServiceBusy
from tests.support.postgres_server import PASSWORD, postgres_server
from tests.support.sample_tasks import a_row


def test_postgres_a_database_that_is_killed_loses_nothing_and_the_store_goes_on(tmp_path):
    with postgres_server(tmp_path) as server:
        url = server.new_database()
        prepare_store(url)
        store = Store(url)
        store.commit([a_row(1)], [], [])
        server.kill()
        try:
            for use in (store.load_tasks, lambda: store.commit([a_row(2)], [], []), lambda: prepare_store(url)):
                with pytest.raises(ServiceBusy, match="The database does not answer: 'rfuav_") as caught:
                    use()
                assert PASSWORD not in str(caught.value) and "SELECT" not in str(caught.value)
        finally:
            server.start()
        assert [row.id for row in store.load_tasks()] == ["task-1"]
        store.commit([a_row(2)], [], [])
        assert [row.id for row in store.load_tasks()] == ["task-1", "task-2"]
        store.close()


def test_postgres_a_wrong_password_is_said_and_not_shown(postgres):
    url = postgres.new_database().replace(PASSWORD, "guessed")
    with pytest.raises(ServiceBusy, match="password authentication failed") as caught:
        prepare_store(url)
    assert "guessed" not in str(caught.value)


def test_postgres_a_database_that_refuses_writes_says_so(postgres):
    url = postgres.new_database()
    prepare_store(url)
    store = Store(f"{url}?options=-c%20default_transaction_read_only%3Don")
    with pytest.raises(ServiceBusy, match=r"cannot be written: .*read-only transaction\. Check"):
        store.commit([a_row(1)], [], [])
    store.close()
