"""A supervisor that a test plays, and the task whose runs it ends."""

import asyncio

from actors.runs.spec import Outcome
from actors.store.row import record_of


class Supervisor:
    """Ends each run as the test says, or when it is given up."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.started = []
        #: the node of each run
        self.nodes = []
        self._given_up = asyncio.Event()

    async def run(self, spec, options, task_manager_actor, more=()):
        self.started.append(spec.run_id)
        self.nodes.append(options["scheduling_strategy"].node_id)
        if self.outcomes:
            return self.outcomes.pop(0)
        await self._given_up.wait()
        return Outcome("lost", error=self.reason)

    async def give_up(self, run_id, reason, *, node_is_gone):
        self.reason = reason
        self._given_up.set()


async def task(manager):
    return record_of(await manager.get("task-1"))
