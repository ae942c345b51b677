"""RunTracker: follows one run of a task from its slot to its outcome, and ends it if asked, or if it hangs."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from actors.background import RETRY_S, Jobs, until
from actors.devices.inputs import Misplaced
from actors.runs.spec import Outcome, RunSpec
from rfuav_ray.errors import RunLost

logger = logging.getLogger(__name__)


class RunTracker:
    """One run. Whatever the moment of a cancel, the run ends."""

    def __init__(
        self,
        run_id: str,
        supervisor_actor: Any,
        *,
        cancel_grace_s: float,
        silence_limit_s: float,
        is_at_supervisor: bool = False,
        has_reported: bool = False,
    ) -> None:
        """Create the tracker of a run.

        Args:
            run_id: See `TaskRecord.run_id`.
            supervisor_actor: The RunSupervisor that has the run's Ray task.
            cancel_grace_s: How long a cancelled run may take to stop by itself before it is killed.
            silence_limit_s: A run that shows no sign of life for longer is killed and counts as lost; 0 for never.
            is_at_supervisor: The run was started before this actor restarted.
            has_reported: It also reported before. From then on its silence counts.
        """
        self._run_id = run_id
        self._supervisor_actor = supervisor_actor
        self._cancel_grace_s = cancel_grace_s
        self._silence_limit_s = silence_limit_s
        self._is_at_supervisor = is_at_supervisor
        self._is_cancelled = False
        #: why the run was given up
        self._lost_reason: str | None = None
        #: for how long the run shows no sign of life; None before its first report
        self._silent_s: float | None = 0.0 if has_reported else None
        self._jobs = Jobs()

    async def start(
        self, prepare: Callable[[], Awaitable[None]], plan: Callable[[], Sequence[tuple[RunSpec, dict[str, Any]]]]
    ) -> Outcome:
        """Start the run, and wait for its outcome.

        Args:
            prepare: Stores the start, looks for the inputs, and makes the output folder ready. Its error fails the
                run, except for Misplaced.
            plan: Returns the specification and the Ray options of each of the run's workers.
        """
        try:
            await prepare()
            # No await separates these checks from the call: what comes later finds the run at the supervisor.
            if self._is_cancelled:
                return Outcome("cancelled")
            if self._lost_reason is not None:
                return Outcome("lost", error=self._lost_reason)
            (spec, options), *more = plan()
            task_manager_actor = ray.get_runtime_context().current_actor
            outcome_ref = self._supervisor_actor.run.remote(spec, options, task_manager_actor, more)
            self._is_at_supervisor = True
        except Misplaced as error:
            return Outcome("misplaced", error=str(error))
        except RunLost as error:
            return Outcome("lost", error=str(error))
        except Exception as error:
            logger.warning("run %s could not be started", self._run_id, exc_info=True)
            return Outcome("failed", error=f"The run could not be started: {error}")
        return await self._outcome(outcome_ref)

    async def follow(self) -> Outcome:
        """Wait for the outcome of a run that was started before this actor restarted."""
        return await self._outcome(self._supervisor_actor.wait.remote(self._run_id))

    def cancel(self) -> None:
        """Kill the run if it does not stop within its grace time. A second call kills it at once."""
        grace_s = 0.0 if self._is_cancelled else self._cancel_grace_s
        self._is_cancelled = True
        if self._is_at_supervisor:  # else `start` sees the cancel before anything runs
            self._jobs.spawn(until(self._supervisor_actor.cancel.remote(self._run_id, grace_s)))

    def give_up(self, reason: str, *, node_is_gone: bool = False) -> None:
        """End the run as lost. A second call changes nothing.

        Args:
            reason: Why.
            node_is_gone: Nobody can kill its process.
        """
        if self._lost_reason is not None:
            return
        self._lost_reason = reason
        if self._is_at_supervisor:  # else `start` sees the reason before anything runs
            self._jobs.spawn(
                until(self._supervisor_actor.give_up.remote(self._run_id, reason, node_is_gone=node_is_gone))
            )

    def heard(self, silent_s: float) -> None:
        """Note a report. `silent_s` says for how long the run's work itself has reported nothing."""
        self._silent_s = silent_s

    def pass_time(self, elapsed_s: float) -> None:
        """Count time without a report, and give up a run that is silent for too long."""
        if self._silent_s is None or not self._silence_limit_s:
            return
        self._silent_s += elapsed_s
        if self._silent_s > self._silence_limit_s:
            self.give_up(f"The run showed no sign of life for {self._silence_limit_s:g} s (RUN_SILENCE_S).")

    async def _outcome(self, outcome_ref: Any) -> Outcome:
        try:
            outcome: Outcome = await outcome_ref
        except RayTaskError as error:
            outcome = Outcome("failed", error=f"The run's supervisor failed: {error.cause!r}")
        except RayError:
            outcome = Outcome("interrupted", error="The run ended because its supervisor died.")
            await self._wait_for_supervisor()
        return outcome

    async def _wait_for_supervisor(self) -> None:
        """Wait for the supervisor to restart. A run started before that would be lost too."""
        while True:
            try:
                await self._supervisor_actor.ping.remote()
                return
            except RayError:
                await asyncio.sleep(RETRY_S)


async def watch_silence(trackers: Mapping[str, RunTracker], limit_s: float) -> None:
    """Count the time in which runs report nothing, without the time in which this process stands still."""
    every_s = min(max(limit_s / 20, 0.05), 10.0)
    while True:
        before_s = time.monotonic()
        await asyncio.sleep(every_s)
        elapsed_s = min(time.monotonic() - before_s, 2 * every_s)
        for tracker in list(trackers.values()):
            tracker.pass_time(elapsed_s)
