"""RunSupervisor: the owner of the Ray tasks that train and infer.

A Ray task dies with its owner. This actor does nothing else and keeps nothing worth losing, so that a
TaskManager that restarts finds its runs alive.
"""

import asyncio
import os
import shlex
import sys
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError, TaskCancelledError

from actors.runs import fork_client, runner
from actors.runs.spec import Outcome, RunSpec

#: how long an outcome is kept for a TaskManager that is being restarted
KEEP_OUTCOME_S = 600.0
#: Ray tells of a lost worker within this time, unless the run had not begun
GIVE_UP_AFTER_S = 1.0
#: Runs give way to the API and the actors, as do the Ray tasks that they start: on a busy machine, a process has a
#: tenth of the share of one of theirs. With more, as Ray's 15, clients that ask all the time would starve them.
RUN_NICENESS, LARGEST_NICENESS = 10, 19
#: of runs and of what they start, on any node, unless the operator has said otherwise
OPENMP_VARIABLES = {
    # Threads that spin while they wait slow every other process down: 10 against 40 images/s measured.
    "OMP_WAIT_POLICY": "PASSIVE",
    # For 0.1 ms they may, in GNU's OpenMP, which is PyTorch's and where this wins over the policy: in a training
    # they wait several hundred times a step, 54 against 62 images/s.
    "GOMP_SPINCOUNT": "10000",
}


class RunSupervisor:
    def __init__(self, metrics_actor: Any) -> None:
        self._metrics_actor = metrics_actor
        self._runs: dict[str, asyncio.Task[Outcome]] = {}
        self._refs: dict[str, Any] = {}
        #: why a run was given up, by its id
        self._given_up: dict[str, str] = {}
        self._run = ray.remote(max_retries=0)(runner.run)
        # A process that has used a GPU keeps memory on it and cannot move to another: it ends with the run.
        self._run_on_gpu = ray.remote(max_retries=0, max_calls=1)(runner.run)

    async def run(self, spec: RunSpec, ray_options: dict[str, Any], task_manager_actor: Any) -> Outcome:
        """Start the run, or find it when it was started before, and wait for its end."""
        if spec.run_id not in self._runs:
            run = self._run_on_gpu if spec.has_hardware else self._run
            # Not the task's id: Ray counts its tasks by their names, and never forgets one.
            run = run.options(name=spec.kind, runtime_env=run_environment(), **ray_options)
            self._refs[spec.run_id] = run.remote(spec, self._metrics_actor, task_manager_actor)
            self._runs[spec.run_id] = asyncio.create_task(self._watch(spec.run_id))
        return await self.wait(spec.run_id)

    async def wait(self, run_id: str) -> Outcome:
        """The outcome of a run that was started before; `interrupted` when this actor does not know it."""
        if run_id not in self._runs:
            return Outcome("interrupted", error="The run ended with the service, which was restarted.")
        return await asyncio.shield(self._runs[run_id])

    async def cancel(self, run_id: str, grace_s: float) -> None:
        """Give the run time to stop by itself, then kill it. Returns when it has ended."""
        if run_id not in self._runs:
            return
        _, alive = await asyncio.wait({self._runs[run_id]}, timeout=grace_s)
        if alive:
            ray.cancel(self._refs[run_id], force=True)
            await asyncio.wait(alive)

    async def give_up(self, run_id: str, reason: str) -> None:
        """The run's place is gone: if it does not end by that, end it as lost."""
        if run_id in self._runs:
            self._given_up[run_id] = reason
            await self.cancel(run_id, GIVE_UP_AFTER_S)

    async def get_ready(self) -> None:
        """Have this node's fork server load what runs need, before the first one wants it."""
        await ray.remote(num_cpus=0)(runner.get_ready).options(runtime_env=run_environment()).remote()

    async def ping(self) -> None:
        """Answers when the actor is up."""

    async def _watch(self, run_id: str) -> Outcome:
        try:
            outcome: Outcome = await self._refs[run_id]
        except TaskCancelledError:
            reason = self._given_up.get(run_id)
            outcome = Outcome("lost", error=reason) if reason else Outcome("cancelled")
        except RayTaskError as error:
            outcome = Outcome("failed", error=f"The runner failed: {error.cause!r}")
        except RayError as error:
            outcome = Outcome("lost", error=f"The worker process died: {_first_line(error)}")
        del self._refs[run_id]
        self._given_up.pop(run_id, None)
        asyncio.get_running_loop().call_later(KEEP_OUTCOME_S, self._runs.pop, run_id, None)
        return outcome


def run_environment() -> dict[str, Any]:
    """The runtime environment of runs: no actor begins in a process of theirs, which has PyTorch."""
    niceness = min(os.nice(0) + RUN_NICENESS, LARGEST_NICENESS)
    variables = {"RAY_worker_niceness": str(niceness)}
    # A cluster's nodes were started by somebody else, without them.
    variables |= {name: os.environ.get(name, usual) for name, usual in OPENMP_VARIABLES.items()}
    environment: dict[str, Any] = {"env_vars": variables}
    # On another node, Python and this program may be elsewhere: there Ray starts workers as ever.
    if sys.platform == "linux" and sum(node["Alive"] for node in ray.nodes()) == 1:
        environment["py_executable"] = shlex.join([sys.executable, "-I", "-S", fork_client.__file__])
    return environment


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
