"""Composes the service on a running Ray: starts and stops the actors and the API's replicas."""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import ray
from ray import serve
from ray.exceptions import ActorDiedError, RayError, RayTaskError
from ray.serve.schema import ProxyStatus
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
from starlette.types import ASGIApp

from actors import names
from actors.devices import gpu_groups
from actors.events.metrics_actor import MetricsActor
from actors.ray_internals.ray_serve import keep_replica_on_loopback, serve_address
from actors.runs.supervisor import RunSupervisor
from actors.store.ownership import Owner
from actors.store.setup import prepare_store
from actors.store.store import database_url
from actors.tasks.manager import TaskManager, owner_of
from rfuav_ray.client import RFUAVClient
from rfuav_ray.errors import RfuavError
from rfuav_ray.machine.ports import check_free
from rfuav_ray.settings import Settings
from serve_app.api import create_api

NAME = "rfuav"
#: high, because an event stream holds its request for hours
MAX_ONGOING_REQUESTS = 10_000
MAX_WAITING_CALLS = 20_000
#: The whole stop must take less than 20 s: after that time service supervisors kill the service.
STOP_RUNS_WITHIN_S = 8.0
END_STREAMS_WITHIN_S = 2.0
OWNER_ANSWERS_WITHIN_S = 10.0
NAMES_ARE_FREE_WITHIN_S = 10.0
PROXIES_START_WITHIN_S = 30.0

logger = logging.getLogger(__name__)

Ready = list[ray.ObjectRef]


def start_actors(settings: Settings) -> tuple[str | None, Ready]:
    """Start the service's actors on this node, without waiting for them.

    Returns:
        A notice about a restored store, or None; and the calls for which `deploy` has to wait.
    """
    url = database_url(settings.database_url, settings.state_dir)
    # Create the tables here, once: the actors would race to create them.
    owner = Owner.new(owner_of(settings))
    notice = prepare_store(url, owner)
    supervisor_actor = _start(RunSupervisor, names.RUN_SUPERVISOR, warm_workers=settings.warm_workers == "auto")
    task_manager_actor = _start(TaskManager, names.TASK_MANAGER, settings, supervisor_actor, owner)
    metrics_actor = _start(MetricsActor, names.METRICS, url, settings, task_manager_actor)
    ready = [supervisor_actor.notice.remote(), task_manager_actor.start.remote(), metrics_actor.start.remote()]
    return notice, ready


def _wait_for(actors: Ready) -> list[str]:
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


def end_killed_service(settings: Settings) -> None:
    """End the actors and the API that a killed `rfuav serve` has left on the cluster.

    Raises:
        RfuavError: when they belong to another service, or the task manager does not answer.
    """
    if not _has_actors():
        return
    # This process holds the lock of the state folder. The process that started actors for this folder is gone.
    if _owner() not in (None, owner_of(settings)):
        raise RfuavError("Another rfuav-ray service already runs on this Ray cluster. Stop it, or use it.")
    logger.warning("ending the actors of a killed service")
    stop_actors()
    remove_api()  # It has the old settings.
    deadline_s = time.monotonic() + NAMES_ARE_FREE_WITHIN_S
    while _has_actors() and time.monotonic() < deadline_s:
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


def remove_api() -> None:
    """Remove the API from the cluster's Serve. Other applications stay; without any, Serve ends, too."""
    if serve_address() is None:  # Serve was ended by another program.
        return
    serve.delete(NAME)
    if not serve.status().applications:
        serve.shutdown()  # Its proxy would keep the port.


def _has_actors() -> bool:
    return any(actor["namespace"] == names.NAMESPACE for actor in ray.util.list_named_actors(all_namespaces=True))


def _start(actor_class: type, name: str, *arguments: Any, **options: Any) -> Any:
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return (
        ray.remote(actor_class)
        .options(
            name=name,
            namespace=names.NAMESPACE,
            lifetime="detached",
            max_restarts=-1,
            num_cpus=0,
            # Otherwise their calls fill the dashboard's list of Ray tasks and hide the runs.
            enable_task_events=False,
            # Each followed stream is a waiting call.
            max_concurrency=MAX_WAITING_CALLS,
            scheduling_strategy=here,
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
    with suppress(RfuavError), RFUAVClient(f"http://{settings.host}:{settings.port}") as client:
        while client.health()["active_log_streams"] and time.monotonic() < deadline_s:
            time.sleep(0.1)


def stop_actors() -> None:
    """Stop the actors, the TaskManager first: it must not take the end of the others for lost runs."""
    for name in (names.TASK_MANAGER, names.RUN_SUPERVISOR, names.METRICS):
        try:
            ray.kill(ray.get_actor(name, names.NAMESPACE))
        except ValueError:  # It never started.
            continue
    gpu_groups.remove_all()


def _start_serve(host: str, port: int) -> str | None:
    """Start Ray Serve. Returns why its proxy failed, or None; Ray Serve replaces a failed proxy."""
    try:
        serve.start(http_options={"host": host, "port": port}, logging_config={"enable_access_log": False})
    except (RayError, TimeoutError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        logger.warning("Ray Serve's proxy failed to start; Ray Serve starts it again: %s", reason)
        return reason
    return None


def _wait_for_proxies(settings: Settings, failure: str) -> None:
    """Wait until every proxy is healthy. Raises RfuavError when one does not start in time."""
    deadline_s = time.monotonic() + PROXIES_START_WITHIN_S
    while any(status != ProxyStatus.HEALTHY for status in serve.status().proxies.values()):
        if time.monotonic() > deadline_s:
            check_free(settings.host, settings.port)
            raise RfuavError(f"Ray Serve's proxy does not start: {failure} See its log (serve/proxy_*.log).")
        time.sleep(0.2)


def deploy(settings: Settings, serve_host: str, actors: Ready, notices: Sequence[str] = ()) -> list[str]:
    """Deploy the API on an initialised Ray.

    Args:
        settings: the service's settings.
        serve_host: the address on which Ray Serve listens, see `Ingress.serve_host`.
        actors: the calls that `start_actors` returned; the API needs the actors.
        notices: what the page shows to its users.

    Returns:
        The notices, and those of the actors.

    Raises:
        RfuavError: when an actor fails, or Ray Serve's proxy does not start.
    """
    failure = _start_serve(serve_host, settings.port)
    all_notices = [*notices, *_wait_for(actors)]  # They have started in parallel with Serve.
    for notice in all_notices:
        logger.warning("%s", notice)

    def build() -> ASGIApp:  # Serve accepts only a plain function, and calls it in the replica.
        keep_replica_on_loopback()
        return create_api(settings, all_notices)

    api = serve.deployment(
        serve.ingress(build)(),
        name="api",
        num_replicas=settings.api_replicas,
        max_ongoing_requests=MAX_ONGOING_REQUESTS,
        ray_actor_options={"num_cpus": 0},
        graceful_shutdown_timeout_s=2,
        # Serve finds a dead replica within this time. The default is 10 s.
        health_check_period_s=1,
        # Even without an access log, Serve formats a line for each request, unless the level is higher.
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
    )
    serve.run(api.bind(), name=NAME, route_prefix="/")
    if failure:
        _wait_for_proxies(settings, failure)
    # Last, and without waiting for it: loading PyTorch would delay the first answer.
    ray.get_actor(names.RUN_SUPERVISOR, names.NAMESPACE).warm_up.remote()
    return all_notices
