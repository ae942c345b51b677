"""Puts the API on a running Ray, and removes it. `service_actors` starts and stops the actors."""

import logging
import time
from collections.abc import Sequence

import ray
from ray import serve
from ray.exceptions import ActorDiedError, RayError
from ray.serve.exceptions import RayServeException
from ray.serve.schema import ApplicationStatus, ProxyStatus

from actors import names
from actors.ray_internals.ray_serve import serve_address
from rfuav_ray.errors import RfuavError
from rfuav_ray.machine.ports import check_free
from rfuav_ray.settings import Settings
from serve_app.deployment import api
from serve_app.service_actors import Ready, wait_for

NAME = "rfuav"
PROXIES_START_WITHIN_S = 30.0
API_LOOK_EVERY_S = 0.1

logger = logging.getLogger(__name__)


def deploy(settings: Settings, serve_host: str, actors: Ready, notices: Sequence[str] = ()) -> list[str]:
    """Deploy the API on an initialised Ray.

    Args:
        settings: the service's settings.
        serve_host: the address on which Ray Serve listens, see `Ingress.serve_host`.
        actors: the calls that `service_actors.start_actors` returned; the API needs the actors.
        notices: what the page shows to its users.

    Returns:
        The notices, and those of the actors.

    Raises:
        RfuavError: when an actor, the API or Ray Serve's proxy does not start, another application
            has the prefix, or another program removes the API.
    """
    failure = _start_serve(serve_host, settings.port)
    all_notices = [*notices, *wait_for(actors)]  # They have started in parallel with Serve.
    for notice in all_notices:
        logger.warning("%s", notice)

    _run_api(settings, all_notices)
    _wait_for_api()
    if failure:
        _wait_for_proxies(settings, failure)
    # Last, and without waiting for it: loading PyTorch would delay the first answer.
    ray.get_actor(names.RUN_SUPERVISOR, names.NAMESPACE).warm_up.remote()
    return all_notices


def _start_serve(host: str, port: int) -> str | None:
    """Start Ray Serve. Returns why its proxy failed, or None; Ray Serve replaces a failed proxy."""
    try:
        serve.start(http_options={"host": host, "port": port}, logging_config={"enable_access_log": False})
    except (RayError, TimeoutError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        logger.warning("Ray Serve's proxy failed to start; Ray Serve starts it again: %s", reason)
        return reason
    return None


def _run_api(settings: Settings, notices: Sequence[str]) -> None:
    target = serve.RunTarget(api(settings, notices), name=NAME, route_prefix=settings.route_prefix)
    try:
        # `serve.run` would wait for ever for an application that another program has removed in the meantime.
        serve.run_many([target], wait_for_ingress_deployment_creation=False, wait_for_applications_running=False)
    except RayServeException as error:  # Another application has the prefix.
        reason = getattr(error, "cause", error)
        raise RfuavError(f"Ray Serve refuses the API: {reason} Set ROUTE_PREFIX to another prefix.") from None


def _wait_for_api() -> None:
    """Wait until the API runs. Raises RfuavError when it fails, or another program removes it."""
    while True:
        found = serve.status().applications.get(NAME)
        if found is None or found.status is ApplicationStatus.DELETING:
            raise RfuavError("Another program has removed the API from Ray Serve while it started. Start again.")
        if found.status is ApplicationStatus.RUNNING:
            return
        if found.status is ApplicationStatus.DEPLOY_FAILED:
            raise RfuavError(f"Ray Serve cannot start the API: {found.message}")
        time.sleep(API_LOOK_EVERY_S)


def _wait_for_proxies(settings: Settings, failure: str) -> None:
    """Wait until every proxy is healthy. Raises RfuavError when one does not start in time."""
    deadline_s = time.monotonic() + PROXIES_START_WITHIN_S
    while any(status != ProxyStatus.HEALTHY for status in serve.status().proxies.values()):
        if time.monotonic() > deadline_s:
            check_free(settings.host, settings.port)
            raise RfuavError(f"Ray Serve's proxy does not start: {failure} See its log (serve/proxy_*.log).")
        time.sleep(0.2)


def remove_api() -> None:
    """Remove the API from the cluster's Serve. Other applications stay; without any, Serve ends, too."""
    if serve_address() is None:  # Serve was ended by another program.
        return
    serve.delete(NAME)
    if not serve.status().applications:
        serve.shutdown()  # Its proxy would keep the port.


def has_api() -> bool:
    """Whether the API is among Serve's applications. A Serve that does not answer counts as alive."""
    try:
        return NAME in serve.status().applications
    except ActorDiedError:  # Serve was shut down.
        return False
    except RayError:
        return True
