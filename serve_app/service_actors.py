"""Starts, finds and stops the service's actors. They live on the cluster's head node, beside their store.

Knows nothing of the API, except its address.
"""

import logging
import time
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import ActorDiedError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors import names
from actors.devices import gpu_groups
from actors.events.metrics_actor import MetricsActor
from actors.ray_internals.nodes import head_node_id
from actors.runs.supervisor import RunSupervisor
from actors.store.ownership import Owner
from actors.store.setup import prepare_store
from actors.store.store import database_url
from actors.tasks.manager import TaskManager, owner_of
from rfuav_ray.client import RFUAVClient
from rfuav_ray.errors import RfuavError
from rfuav_ray.settings import Settings

MAX_WAITING_CALLS = 20_000
#: The whole stop must take less than 20 s: after that time service supervisors kill the service.
STOP_RUNS_WITHIN_S = 8.0
END_STREAMS_WITHIN_S = 2.0
OWNER_ANSWERS_WITHIN_S = 10.0
NAMES_ARE_FREE_WITHIN_S = 10.0
#: all of them, the TaskManager first: it must not take the end of the others for lost runs
ACTORS = (names.TASK_MANAGER, names.RUN_SUPERVISOR, names.METRICS)

#: settings of the API alone: the actors don't read them
OF_THE_API = {
    "host",
    "port",
    "api_replicas",
    "api_keys",
    "api_keys_file",
    "auth",
    "cors_origins",
    "app_name",
    "environment",
}

logger = logging.getLogger(__name__)

Ready = list[ray.ObjectRef]


def start_actors(settings: Settings) -> tuple[str | None, Ready]:
    """Start the service's actors on the head node, without waiting for them.

    Returns:
        A notice about a restored store, or None; and the calls for which `deploy` has to wait.
    """
    url = database_url(settings.database_url, settings.state_dir)
    # Create the tables here, once: the actors would race to create them.
    owner = Owner.new(owner_of(settings))
    notice = prepare_store(url, owner)
    # A supervisor that has runs stays.
    supervisor_actor = _start(RunSupervisor, names.RUN_SUPERVISOR, warm_workers=settings.warm_workers == "auto")
    task_manager_actor = _start(TaskManager, names.TASK_MANAGER, settings, supervisor_actor, owner)
    metrics_actor = _start(MetricsActor, names.METRICS, url, settings, task_manager_actor)
    ready = [supervisor_actor.notice.remote(), task_manager_actor.start.remote(), metrics_actor.start.remote()]
    return notice, ready


def wait_for(actors: Ready) -> list[str]:
    """Wait for the actors. Returns their notices for the operator. Raises RfuavError when one fails."""
    try:
        return [answer for answer in ray.get(actors) if answer]
    except RayTaskError as error:
        if isinstance(error.cause, RfuavError):
            raise error.cause from None
        raise RfuavError(f"An actor failed to start: {error.cause!r}") from error
    except RayError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise RfuavError(f"An actor died during its start: {reason}") from error


def ensure_actors(settings: Settings) -> list[str]:
    """Find the service's actors, or start them. Actors with other settings are replaced; their runs go on.

    Only one process at a time may call it.

    Returns:
        Notices for the operator.

    Raises:
        RfuavError: The cluster has another service, or an actor fails.
    """
    if _has_actors():
        if _owner() not in (None, owner_of(settings)):
            raise RfuavError("Another rfuav-ray service already runs on this Ray cluster. Stop it, or use it.")
        if _are_up_to_date(settings):
            return []
        logger.warning("the settings have changed: the task manager starts anew, and its runs go on")
        _stop(names.TASK_MANAGER, names.METRICS)
        _wait_until_gone(names.TASK_MANAGER, names.METRICS)
    notice, ready = start_actors(settings)
    return [*([notice] if notice else []), *wait_for(ready)]


def _are_up_to_date(settings: Settings) -> bool:
    if missing_actors():
        return False
    task_manager_actor = ray.get_actor(names.TASK_MANAGER, names.NAMESPACE)
    used: Settings = ray.get(task_manager_actor.settings.remote(), timeout=OWNER_ANSWERS_WITHIN_S)
    return used.model_dump(exclude=OF_THE_API) == settings.model_dump(exclude=OF_THE_API)


def missing_actors() -> list[str]:
    """The names of the service's actors that Ray does not have. A restarting actor is not missing."""
    found = {
        actor["name"]
        for actor in ray.util.list_named_actors(all_namespaces=True)
        if actor["namespace"] == names.NAMESPACE
    }
    return [name for name in ACTORS if name not in found]


def end_killed_service(settings: Settings) -> bool:
    """End the actors that a killed `rfuav serve`, or a deleted deployment, has left on the cluster.

    Returns:
        Whether there were any. Then the API that belongs to them has to be removed.

    Raises:
        RfuavError: when they belong to another service, or the task manager does not answer.
    """
    if not _has_actors():
        return False
    # This process holds the lock of the state folder. The process that started actors for this folder is gone.
    if _owner() not in (None, owner_of(settings)):
        raise RfuavError("Another rfuav-ray service already runs on this Ray cluster. Stop it, or use it.")
    logger.warning("ending the actors of a killed service")
    stop_actors()
    _wait_until_gone(*ACTORS)
    return True


def _wait_until_gone(*actors: str) -> None:
    deadline_s = time.monotonic() + NAMES_ARE_FREE_WITHIN_S
    while set(actors) - set(missing_actors()) and time.monotonic() < deadline_s:
        time.sleep(0.1)


def _owner() -> str | None:
    """The owner of this cluster's task manager; None when there is no task manager.

    Raises RfuavError when it does not answer. It may be slow or restarting, so it counts as alive.
    """
    try:
        task_manager_actor = ray.get_actor(names.TASK_MANAGER, names.NAMESPACE)
        owner: str = ray.get(task_manager_actor.owner.remote(), timeout=OWNER_ANSWERS_WITHIN_S)
    except (ValueError, ActorDiedError):
        return None
    except RayError as error:
        raise RfuavError(
            "The service on this Ray cluster does not answer: its task manager gave no answer within "
            f"{OWNER_ANSWERS_WITHIN_S:.0f} s ({type(error).__name__}). It may be busy. Try again, or stop it. If "
            f"it is abandoned, kill its actor '{names.TASK_MANAGER}' (namespace '{names.NAMESPACE}') with "
            "`ray.kill`, and start again."
        ) from error
    return owner


def _has_actors() -> bool:
    return len(missing_actors()) < len(ACTORS)


def _start(actor_class: type, name: str, *arguments: Any, **options: Any) -> Any:
    there = NodeAffinitySchedulingStrategy(head_node_id(), soft=False)
    return (
        ray.remote(actor_class)
        .options(
            name=name,
            namespace=names.NAMESPACE,
            get_if_exists=True,
            lifetime="detached",
            max_restarts=-1,
            num_cpus=0,
            # Otherwise their calls fill the dashboard's list of Ray tasks and hide the runs.
            enable_task_events=False,
            # Each followed stream is a waiting call.
            max_concurrency=MAX_WAITING_CALLS,
            scheduling_strategy=there,
        )
        .remote(*arguments, **options)
    )


def resources(wait_s: float = 5.0) -> dict[str, Any]:
    """The TaskManager's report about the devices, after waiting up to `wait_s` seconds for the GPUs."""
    task_manager_actor = ray.get_actor(names.TASK_MANAGER, names.NAMESPACE)
    ray.get(task_manager_actor.devices_are_ready.remote(wait_s))
    found: dict[str, Any] = ray.get(task_manager_actor.resources.remote())
    return found


def stop_runs(settings: Settings) -> None:
    """Refuse new tasks, let the runs save their work, and end the event streams."""
    task_manager_actor = ray.get_actor(names.TASK_MANAGER, names.NAMESPACE)
    try:
        ray.get(task_manager_actor.stop.remote(STOP_RUNS_WITHIN_S), timeout=2 * STOP_RUNS_WITHIN_S)
    except RayError as error:  # The TaskManager restarts, or waits for its store.
        logger.warning("the runs could not be stopped cleanly: %s", error)
        return
    deadline_s = time.monotonic() + END_STREAMS_WITHIN_S
    with suppress(RfuavError), RFUAVClient(settings.url) as client:
        while client.health()["active_log_streams"] and time.monotonic() < deadline_s:
            time.sleep(0.1)


def stop_actors() -> None:
    """Stop the actors, and with them all runs."""
    _stop(*ACTORS)
    gpu_groups.remove_all()


def _stop(*actors: str) -> None:
    for name in actors:
        try:
            ray.kill(ray.get_actor(name, names.NAMESPACE))
        except ValueError:  # It never started.
            continue
