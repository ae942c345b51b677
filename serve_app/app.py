"""The one place that composes the service: Ray, the actors, the API's replicas."""

from typing import Any

import ray
from fastapi import FastAPI
from ray import serve
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors import gpu_groups, names
from actors.metrics_actor import MetricsActor
from actors.run_supervisor import RunSupervisor
from actors.store import Store, database_url
from actors.task_manager import TaskManager
from rfuav_ray.errors import RfuavError
from rfuav_ray.settings import Settings
from serve_app.http import create_app

APP = "rfuav"
#: an event stream holds its request for hours
MAX_ONGOING_REQUESTS = 10_000
MAX_WAITING_CALLS = 20_000


def start_actors(settings: Settings) -> None:
    """Start the service's actors on this node. Raises RfuavError when the cluster has them already."""
    if any(actor["namespace"] == names.NAMESPACE for actor in ray.util.list_named_actors(all_namespaces=True)):
        raise RfuavError("This Ray cluster runs a service already; stop it, or use it.")
    url = database_url(settings.database_url, settings.state_dir)
    # Here once: the actors would race for making the tables.
    Store(url).close()
    metrics_actor = _start(MetricsActor, names.METRICS, url)
    supervisor_actor = _start(RunSupervisor, names.RUN_SUPERVISOR, metrics_actor)
    task_manager_actor = _start(TaskManager, names.TASK_MANAGER, settings, metrics_actor, supervisor_actor)
    ray.get([metrics_actor.ping.remote(), supervisor_actor.ping.remote(), task_manager_actor.start.remote()])


def _start(actor_class: type, name: str, *arguments: Any) -> Any:
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    return (
        ray.remote(actor_class)
        .options(
            name=name,
            namespace=names.NAMESPACE,
            lifetime="detached",
            max_restarts=-1,
            num_cpus=0,
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


def stop_actors() -> None:
    """The manager first: it must not take the end of the others for lost runs."""
    for name in (names.TASK_MANAGER, names.RUN_SUPERVISOR, names.METRICS):
        try:
            ray.kill(ray.get_actor(name, names.NAMESPACE))
        except ValueError:  # it never started
            continue
    gpu_groups.give_all_back()


def deploy(settings: Settings) -> None:
    """Bring the API up on a Ray that is initialised and has the actors."""

    def build() -> FastAPI:  # Serve calls only a plain function, in the replica
        return create_app(settings)

    serve.start(
        http_options={"host": settings.host, "port": settings.port},
        logging_config={"enable_access_log": False},
    )
    api = serve.deployment(
        serve.ingress(build)(),
        name="api",
        num_replicas=settings.api_replicas,
        max_ongoing_requests=MAX_ONGOING_REQUESTS,
        ray_actor_options={"num_cpus": 0},
        graceful_shutdown_timeout_s=2,
        logging_config={"enable_access_log": False},
    )
    serve.run(api.bind(), name=APP, route_prefix="/")
