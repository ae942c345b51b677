"""RunSupervisor: owns the Ray tasks of all runs.

A Ray task dies with its owner. So the owner is this actor, which does nothing else and holds no important state: a
TaskManager that restarts finds its runs alive.
"""

import asyncio
import os
import shlex
import sys
from collections.abc import Sequence
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError, TaskCancelledError

from actors.background import Jobs
from actors.devices.slots import INFERENCE
from actors.ray_internals.nodes import UnknownCommandLine, fork_server_address
from actors.ray_internals.variables import WORKER_NICENESS
from actors.runs import fork_client, runner
from actors.runs.spec import Outcome, RunSpec
from actors.runs.worker_group import Meeting, end_together
from rfuav_ray.errors import RunLost
from rfuav_ray.training.workers.seats import Member

#: how long an outcome is kept for a TaskManager that is restarting
KEEP_OUTCOME_S = 600.0
#: Ray reports a lost worker within this time, unless the run had not started
GIVE_UP_AFTER_S = 1.0
#: and a kill takes effect within this time, unless there is no Ray any more on the run's node
KILLED_WITHIN_S = 5.0
#: Ray tasks that have a task's id in their name. Ray 2.60 never forgets a name: each costs 12 to 25 kB here,
#: and beyond 2000 combinations of name and state the metric `ray_tasks` counts new names without their name
MAX_NAMES_WITH_ID = 400
#: Runs, and the Ray tasks that they start, yield to the API and the actors: on a busy machine a process of a run
#: gets a tenth of the CPU time of an actor. With more niceness (Ray's default is 15), clients that constantly send
#: requests would starve the runs.
RUN_NICENESS, LARGEST_NICENESS = 10, 19
#: environment of runs and of the processes that they start, on any node, unless the operator has set it
OPENMP_VARIABLES = {
    # Waiting threads that spin slow down every other process: measured 10 images/s with spinning, 40 without.
    "OMP_WAIT_POLICY": "PASSIVE",
    # PyTorch uses GNU's OpenMP, where this value overrides the policy: threads spin for up to 0.1 ms. In
    # a training they wait several hundred times per step: measured 62 images/s with this value, 54 without.
    "GOMP_SPINCOUNT": "10000",
}


class RunSupervisor:
    def __init__(self, *, warm_workers: bool = True) -> None:
        """Create a supervisor without runs.

        Args:
            warm_workers: Whether workers of runs may be forks of a process that has PyTorch loaded. Otherwise Ray
                starts each of them as usual.
        """
        self._fork_server: str | None = None
        self._notice: str | None = None
        if warm_workers and sys.platform == "linux":
            try:
                self._fork_server = fork_server_address()
            except UnknownCommandLine as error:
                self._notice = f"Runs start without the fork server, which takes some seconds longer: {error}."
        self._runs: dict[str, asyncio.Task[Outcome]] = {}
        #: the Ray tasks of each run, one for each worker
        self._refs: dict[str, list[Any]] = {}
        self._meetings: dict[str, Meeting] = {}
        self._jobs = Jobs()
        self._names_with_id = 0
        #: the reasons for giving up runs, by run id
        self._given_up: dict[str, str] = {}
        self._run = ray.remote(max_retries=0)(runner.run)
        # A process that has used a GPU keeps memory on it and cannot change to another GPU: it ends with the run.
        self._run_on_gpu = ray.remote(max_retries=0, max_calls=1)(runner.run)

    async def run(
        self,
        spec: RunSpec,
        ray_options: dict[str, Any],
        task_manager_actor: Any,
        more: Sequence[tuple[RunSpec, dict[str, Any]]] = (),
    ) -> Outcome:
        """Start the run, unless it has already been started, and wait for its outcome.

        Args:
            spec: The run, or its first worker.
            ray_options: Where it starts.
            task_manager_actor: Receives its reports.
            more: The same of its other workers, by rank.
        """
        if spec.run_id not in self._runs:
            name, environment = self._name(spec), run_environment(self._fork_server)
            refs = self._refs[spec.run_id] = []
            for worker, options in ((spec, ray_options), *more):
                # So does a process that had connections to other workers.
                run = self._run_on_gpu if worker.has_hardware or more else self._run
                run = run.options(name=name, runtime_env=environment, **options)
                refs.append(run.remote(worker, task_manager_actor))
            self._runs[spec.run_id] = self._jobs.spawn(self._watch(spec.run_id))
        return await self.wait(spec.run_id)

    async def meet(self, run_id: str, size: int, member: Member) -> list[Member]:
        """Wait until all workers of a run are there. Returns what they tell of themselves, by rank.

        Raises:
            RunLost: The run has ended.
        """
        if run_id not in self._refs:
            raise RunLost("The run has ended.")
        return await self._meetings.setdefault(run_id, Meeting(size)).join(member)

    async def wait(self, run_id: str) -> Outcome:
        """Wait for the outcome of a run that was started earlier; `interrupted` if this actor does not know it."""
        if run_id not in self._runs:
            return Outcome("interrupted", error="The run ended because the service was restarted.")
        return await asyncio.shield(self._runs[run_id])

    async def cancel(self, run_id: str, grace_s: float) -> None:
        """Wait up to `grace_s` for the run to stop by itself, then kill it. Returns when it has ended."""
        if run_id not in self._runs:
            return
        _, alive = await asyncio.wait({self._runs[run_id]}, timeout=grace_s)
        if alive:
            self._kill(run_id)
            await asyncio.wait(alive)

    async def give_up(self, run_id: str, reason: str, *, node_is_gone: bool = False) -> None:
        """End a run as `lost`, unless Ray ends it first.

        Args:
            run_id: The run.
            reason: Why it is given up.
            node_is_gone: Do not wait for the end of a process that Ray cannot kill. If it still works, the answer
                to its next report ends it.
        """
        run = self._runs.get(run_id)
        if run is None:
            return
        self._given_up[run_id] = reason
        if not node_is_gone:
            await self.cancel(run_id, GIVE_UP_AFTER_S)
            return
        await asyncio.wait({run}, timeout=GIVE_UP_AFTER_S)
        if not run.done():
            self._kill(run_id)
            await asyncio.wait({run}, timeout=KILLED_WITHIN_S)
            run.cancel()  # no effect if it has ended

    async def warm_up(self) -> None:
        """Make this node's fork server load the modules that runs need, before the first run starts."""
        if self._fork_server:
            environment = run_environment(self._fork_server)
            warm_up = ray.remote(num_cpus=0, enable_task_events=False)(runner.warm_up)
            await warm_up.options(runtime_env=environment).remote()

    async def ping(self) -> None:
        """Answer as soon as the actor is up."""

    async def notice(self) -> str | None:
        """A message for the operator, or None."""
        return self._notice

    def _name(self, spec: RunSpec) -> str:
        """The name in Ray's lists: `training:resnet18:<task id>`. Short and numerous runs have no id there."""
        name = ":".join(filter(None, (spec.kind, spec.request.get("model"))))
        if spec.kind == INFERENCE or self._names_with_id >= MAX_NAMES_WITH_ID:
            return name
        self._names_with_id += 1
        return f"{name}:{spec.task_id}"

    def _kill(self, run_id: str) -> None:
        for ref in self._refs[run_id]:
            ray.cancel(ref, force=True)

    async def _watch(self, run_id: str) -> Outcome:
        refs = self._refs[run_id]
        if len(refs) == 1:
            outcome = await self._end_of(run_id, refs[0])
        else:
            workers = [self._jobs.spawn(self._end_of(run_id, ref)) for ref in refs]
            try:
                outcome = await end_together(workers, refs)
            except asyncio.CancelledError:
                outcome = self._killed(run_id)
        del self._refs[run_id]
        self._given_up.pop(run_id, None)
        self._meetings.pop(run_id, None)
        asyncio.get_running_loop().call_later(KEEP_OUTCOME_S, self._runs.pop, run_id, None)
        return outcome

    async def _end_of(self, run_id: str, ref: Any) -> Outcome:
        try:
            outcome: Outcome = await ref
        except (TaskCancelledError, asyncio.CancelledError):
            outcome = self._killed(run_id)
        except RayTaskError as error:
            outcome = Outcome("failed", error=f"The runner failed: {error.cause!r}")
        except RayError as error:
            outcome = Outcome("lost", error=f"The worker process died: {_first_line(error)}")
        return outcome

    def _killed(self, run_id: str) -> Outcome:
        reason = self._given_up.get(run_id)
        return Outcome("lost", error=reason) if reason else Outcome("cancelled")


def run_environment(fork_server: str | None = None) -> dict[str, Any]:
    """The runtime environment of runs. No actor has the same one: none may start in a process with PyTorch.

    Args:
        fork_server: The path of the fork server's socket. None: Ray starts the workers as usual.
    """
    niceness = min(os.nice(0) + RUN_NICENESS, LARGEST_NICENESS)
    variables = {WORKER_NICENESS: str(niceness)}
    # Somebody else started the nodes of a cluster, without these variables.
    variables |= {name: os.environ.get(name, usual) for name, usual in OPENMP_VARIABLES.items()}
    environment: dict[str, Any] = {"env_vars": variables}
    # On other nodes, Python and this program may have other paths: a cluster uses Ray's normal workers.
    if fork_server and sum(node["Alive"] for node in ray.nodes()) == 1:
        environment["py_executable"] = shlex.join([sys.executable, "-I", "-S", fork_client.__file__, fork_server])
    return environment


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
