"""A TaskManager that has started, over a real store; the cluster is played."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actors.store.ownership import Owner
from actors.store.setup import prepare_store
from actors.store.store import Store, database_url
from actors.tasks.manager import TaskManager
from rfuav_ray.settings import Settings
from tests.support.actor_handles import LocalHandle
from tests.support.cluster import Cluster, played_cluster
from tests.support.postgres_server import postgres  # noqa: F401
from tests.support.store_samples import url  # noqa: F401
from tests.support.store_writes import StoreWrites, watched_commits
from tests.support.task_logs import TaskLogs

TIMEOUT_S = 20


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> StoreWrites:
    return watched_commits(monkeypatch)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The cluster of `play`: one node, until the test changes it."""
    cluster = played_cluster(monkeypatch)
    cluster.add_node("head", is_head=True)
    return cluster


@pytest.fixture
def play(tmp_path: Path, cluster: Cluster, commits: StoreWrites) -> Callable[..., Any]:
    """Run a coroutine function with a started manager and the tasks' logs: one life of the service.

    Its only device is the CPU of one node.
    """
    state_dir = tmp_path / "state"
    address = database_url("", state_dir)
    prepare_store(address)

    def run(
        scenario: Callable[..., Any], supervisor: Any = None, *, owner: Owner | None = None, **settings: Any
    ) -> Any:
        fields: dict[str, Any] = {"data_roots": [tmp_path], "state_dir": state_dir, "log_file": tmp_path / "log"}

        async def main() -> Any:
            manager = TaskManager(Settings(_env_file=None, **(fields | settings)), LocalHandle(supervisor), owner)
            await manager.start()
            return await scenario(manager, TaskLogs(manager, Store(address)))

        return asyncio.run(asyncio.wait_for(main(), TIMEOUT_S))

    return run
