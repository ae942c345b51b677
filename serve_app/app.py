"""The one place that composes the service: Ray, the actors, the API's replicas."""

import logging
import time
from contextlib import suppress
from typing import Any

import ray
from ray import serve
from ray.exceptions import ActorDiedError, RayError, RayTaskError
from ray.serve.context import _get_global_client
from ray.serve.schema import ProxyStatus
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors import names
from actors.devices import gpu_groups
from actors.events.metrics_actor import MetricsActor
from actors.runs.supervisor import RunSupervisor
from actors.store.setup import prepare_store
from actors.store.store import database_url
from actors.tasks.manager import TaskManager, owner_of
from rfuav_ray.client import RFUAVClient
from rfuav_ray.errors import RfuavError
from rfuav_ray.machine.ports import check_free
from rfuav_ray.settings import Settings
from serve_app.api import create_api
from serve_app.ingress import internal_calls
from serve_app.middleware.guards import App

NAME = "rfuav"
#: an event stream holds its request for hours
MAX_ONGOING_REQUESTS = 10_000
MAX_WAITING_CALLS = 20_000
#: together with the rest less than the 20 s after which supervisors of services lose patience
STOP_RUNS_WITHIN_S = 8.0
END_STREAMS_WITHIN_S = 2.0
OWNER_ANSWERS_WITHIN_S = 10.0
NAMES_ARE_FREE_WITHIN_S = 10.0
PROXIES_START_WITHIN_S = 30.0

logger = logging.getLogger("rfuav.api")

Ready = list[ray.ObjectRef]


def start_actors(settings: Settings) -> tuple[str | None, Ready]:
    """Begin to start the service's actors on this node.

    Returns what the operator has to know of the store, and what `deploy` has to wait for.
    """
    url = database_url(settings.database_url, settings.state_dir)
    # Here once: the actors would race for making the tables.
    notice = prepare_store(url)
    metrics_actor = _start(MetricsActor, names.METRICS, url)
    supervisor_actor = _start(RunSupervisor, names.RUN_SUPERVISOR, metrics_actor)
    task_manager_actor = _start(TaskManager, names.TASK_MANAGER, settings, metrics_actor, supervisor_actor)
    return notice, [metrics_actor.ping.remote(), supervisor_actor.ping.remote(), task_manager_actor.start.remote()]


def _wait_for(actors: Ready) -> None:
    try:
        ray.get(actors)
    except RayTaskError as error:
        if isinstance(error.cause, RfuavError):
            raise error.cause from None
        raise RfuavError(f"A part of the service failed as it started: {error.cause!r}") from error
    except RayError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise RfuavError(f"A part of the service died as it started: {reason}") from error


def end_a_dead_service(settings: Settings) -> None:
    """On a cluster the actors and the API outlive a `rfuav serve` that was killed.

    Raises RfuavError when they are another service's, or do not say whose they are.
    """
    if not _has_actors():
        return
    # This process holds the lock of the state folder, so the one that started actors with it is gone.
    if _owner() not in (None, owner_of(settings)):
        raise RfuavError("This Ray cluster runs a service already; stop it, or use it.")
    logger.warning("taking over from a service that was killed")
    stop_actors()
    remove_api()  # it has the old settings
    deadline_s = time.monotonic() + NAMES_ARE_FREE_WITHIN_S
    while _has_actors() and time.monotonic() < deadline_s:
        time.sleep(0.1)


def _owner() -> str | None:
    """Whose the task manager of this cluster is; None when there is none.

    Raises RfuavError when it does not answer: one that is slow, or is being restarted, is alive.
    """
    try:
        task_manager_actor = ray.get_actor(names.TASK_MANAGER, names.NAMESPACE)
        owner: str = ray.get(task_manager_actor.owner.remote(), timeout=OWNER_ANSWERS_WITHIN_S)
    except (ValueError, ActorDiedError):
        return None
    except RayError as error:
        raise RfuavError(
            "This Ray cluster runs a service that does not answer: its task manager was asked for "
            f"{OWNER_ANSWERS_WITHIN_S:.0f} s ({type(error).__name__}). It may be busy: try again, or stop it. If "
            f"nobody runs it any more, end its actor '{names.TASK_MANAGER}' (namespace '{names.NAMESPACE}') by "
            "`ray.kill`, and start again."
        ) from error
    return owner


def remove_api() -> None:
    """Take the API out of the cluster's Serve, where others' live on; without any, Serve ends, too."""
    if serve_address() is None:  # somebody has ended it
        return
    serve.delete(NAME)
    if not serve.status().applications:
        serve.shutdown()  # else its proxy holds the port


def serve_address() -> tuple[str, int] | None:
    """Where the cluster's Serve listens, which nobody can change while it runs; None when there is none."""
    client = _get_global_client(raise_if_no_controller_running=False)
    return None if client is None else (client.http_config.host, client.http_config.port)


def _has_actors() -> bool:
    return any(actor["namespace"] == names.NAMESPACE for actor in ray.util.list_named_actors(all_namespaces=True))


def _start(actor_class: type, name: str, *arguments: Any) -> Any:
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return (
        ray.remote(actor_class)
        .options(
            name=name,
            namespace=names.NAMESPACE,
            lifetime="detached",
            max_restarts=-1,
            num_cpus=0,
            # Their calls would fill the dashboard's list of tasks, between which the runs could not be found.
            enable_task_events=False,
            # Each stream that somebody follows is a call that waits.
            max_concurrency=MAX_WAITING_CALLS,
            scheduling_strategy=here,
        )
        .remote(*arguments)
    )


def resources(wait_s: float = 5.0) -> dict[str, Any]:
    """What the TaskManager says of the devices, once the machine's GPUs are ready or the time is over."""
    task_manager_actor = ray.get_actor(names.TASK_MANAGER, names.NAMESPACE)
    ray.get(task_manager_actor.devices_are_ready.remote(wait_s))
    found: dict[str, Any] = ray.get(task_manager_actor.resources.remote())
    return found


def stop_runs(settings: Settings) -> None:
    """Refuse new tasks, let the runs keep what they have done, and end the event streams."""
    task_manager_actor = ray.get_actor(names.TASK_MANAGER, names.NAMESPACE)
    try:
        ray.get(task_manager_actor.stop.remote(STOP_RUNS_WITHIN_S), timeout=2 * STOP_RUNS_WITHIN_S)
    except RayError as error:  # it is being restarted, or waits for its store
        logger.warning("the runs could not be stopped in good order: %s", error)
        return
    deadline_s = time.monotonic() + END_STREAMS_WITHIN_S
    with suppress(RfuavError), RFUAVClient(f"http://{settings.host}:{settings.port}") as client:
        while client.health()["active_log_streams"] and time.monotonic() < deadline_s:
            time.sleep(0.1)


def stop_actors() -> None:
    """The manager first: it must not take the end of the others for lost runs."""
    for name in (names.TASK_MANAGER, names.RUN_SUPERVISOR, names.METRICS):
        try:
            ray.kill(ray.get_actor(name, names.NAMESPACE))
        except ValueError:  # it never started
            continue
    gpu_groups.give_all_back()


def _start_serve(host: str, port: int) -> str | None:
    """Returns why its proxy failed, if it did: Ray Serve starts another one."""
    try:
        serve.start(http_options={"host": host, "port": port}, logging_config={"enable_access_log": False})
    except (RayError, TimeoutError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        logger.warning("Ray Serve's proxy failed as it started, and is started again: %s", reason)
        return reason
    return None


def _wait_for_proxies(settings: Settings, failure: str) -> None:
    """Raises RfuavError when one is still not there after a while."""
    deadline_s = time.monotonic() + PROXIES_START_WITHIN_S
    while any(status != ProxyStatus.HEALTHY for status in serve.status().proxies.values()):
        if time.monotonic() > deadline_s:
            check_free(settings.host, settings.port)
            raise RfuavError(f"Ray Serve's proxy does not start: {failure} Its log says more (serve/proxy_*.log).")
        time.sleep(0.2)


def deploy(settings: Settings, serve_host: str, actors: Ready) -> None:
    """Bring the API up on an initialised Ray; see `way_in` for the host.

    Raises RfuavError when an actor failed.
    """

    def build() -> App:  # Serve calls only a plain function, in the replica
        internal_calls.keep_on_loopback()
        return create_api(settings)

    failure = _start_serve(serve_host, settings.port)
    _wait_for(actors)  # they started beside Serve
    api = serve.deployment(
        serve.ingress(build)(),
        name="api",
        num_replicas=settings.api_replicas,
        max_ongoing_requests=MAX_ONGOING_REQUESTS,
        ray_actor_options={"num_cpus": 0},
        graceful_shutdown_timeout_s=2,
        # A dead replica is found within it; by default only after 10 s.
        health_check_period_s=1,
        # Without an access log Serve makes the line of each request all the same, unless the level is higher.
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
    )
    serve.run(api.bind(), name=NAME, route_prefix="/")
    if failure:
        _wait_for_proxies(settings, failure)
    # Not earlier, and not waited for: loading PyTorch would hold up the first answer.
    ray.get_actor(names.RUN_SUPERVISOR, names.NAMESPACE).get_ready.remote()
