"""The service as one Ray Serve application: for `serve deploy`, `serve run`, `serve build`, and for `rfuav serve`.

The API's replicas live on the head node, beside the actors and their store.
"""

import fcntl
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ray import serve
from ray.serve import Application
from starlette.types import ASGIApp

from actors.ray_internals.nodes import HEAD_RESOURCE
from actors.ray_internals.ray_serve import keep_replica_on_loopback, serve_address
from actors.ray_internals.variables import INGRESS_HOST, JOB
from rfuav_ray.cli.run_config import read_settings
from rfuav_ray.errors import RfuavError
from rfuav_ray.settings import LOOPBACK, Settings
from serve_app.access.keyring import has_keys, with_hashes
from serve_app.api import create_api
from serve_app.service_actors import ensure_actors
from serve_app.service_files import keep_private

#: high, because an event stream holds its request for hours
MAX_ONGOING_REQUESTS = 10_000
PATHS = ("STATE_DIR", "LOG_FILE", "DATA_ROOTS")
OPTIONAL_PATHS = ("API_KEYS_FILE",)
#: the smallest amount that Ray counts: it names the node, and takes nothing from it
_A_PLACE = 0.0001

logger = logging.getLogger(__name__)


def __getattr__(name: str) -> Application:
    """`serve_app.deployment:app`, the import path for Serve's own commands. Settings come from the environment.

    It is built when Serve asks for it, and not when this module is imported.

    Raises:
        RfuavError: A setting is wrong or not of a deployment, or a path is not absolute in a process of Ray.
    """
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    settings = read_settings()
    if settings.route_prefix != "/":
        raise RfuavError(
            "ROUTE_PREFIX is a setting of `rfuav serve`. Ray Serve's own commands have a route_prefix of the "
            "application (`serve run --route-prefix`). Set that one, and leave ROUTE_PREFIX out."
        )
    if JOB in os.environ:  # in a process of Ray, whose working folder is Ray's own
        _check_paths()
    return api(with_hashes(settings), starts_actors=True)


def _check_paths() -> None:
    for name in PATHS + OPTIONAL_PATHS:
        text = os.environ.get(f"RFUAV_{name}") or os.environ.get(name) or ""
        paths = text.split(",")
        if not text and name in OPTIONAL_PATHS:
            continue
        if not all(path.strip().startswith(("/", "~", "s3://", "file:///")) for path in paths):
            raise RfuavError(
                f"Set {name} to an absolute path on the head node, in the environment or in env_vars. A relative "
                "path would start in a folder of Ray's own, which does not last."
            )


def api(settings: Settings, notices: Sequence[str] = (), *, starts_actors: bool = False) -> Application:
    """Build the API as a Serve application.

    Args:
        settings: The service's settings.
        notices: What the page shows to its users.
        starts_actors: The replicas start the actors. Otherwise the caller has started them.
    """

    def build() -> ASGIApp:  # Serve accepts only a plain function, and calls it in the replica.
        keep_replica_on_loopback()
        if not starts_actors:
            return create_api(settings, notices)
        found = [*notices, *_deployed_actors(settings)]
        return create_api(settings.model_copy(update={"host": _listens_on()}), found)

    deployment = serve.deployment(
        serve.ingress(build)(),
        name="api",
        num_replicas=settings.api_replicas,
        max_ongoing_requests=MAX_ONGOING_REQUESTS,
        # Other nodes need not have the store and the log file.
        ray_actor_options={"num_cpus": 0, "resources": {HEAD_RESOURCE: _A_PLACE}},
        graceful_shutdown_timeout_s=2,
        # Serve finds a dead replica within this time. The default is 10 s.
        health_check_period_s=1,
        # Even without an access log, Serve formats a line for each request, unless the level is higher.
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
    )
    return deployment.bind()


def _deployed_actors(settings: Settings) -> list[str]:
    """Start the actors, or find those of another replica or of an earlier deployment. Returns their notices."""
    _require_key(settings)
    _hold_state_folder(settings)
    with _alone(settings):
        return ensure_actors(settings)


def _require_key(settings: Settings) -> None:
    host = _listens_on()
    if host in LOOPBACK or has_keys(settings) or settings.auth == "off":
        return
    raise RfuavError(
        f"The API listens on {host}, where other machines can connect, and the service has no key. Set "
        "API_KEYS or API_KEYS_FILE, or AUTH=off."
    )


def _listens_on() -> str:
    """Where clients connect. For Serve's own commands HOST does not say it."""
    address = serve_address()
    return os.environ.get(INGRESS_HOST) or (address[0] if address else "127.0.0.1")


def _hold_state_folder(settings: Settings) -> None:
    """Keep `rfuav serve` and other users from the state folder, as long as this process lives.

    Raises:
        RfuavError: A `rfuav serve` has it, or another user.
    """
    keep_private(settings)
    lock = os.open(settings.state_dir / "lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise RfuavError(
            f"A `rfuav serve` uses '{settings.state_dir}'. Stop it, or choose another STATE_DIR."
        ) from None


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Only one replica at a time starts actors."""
    with (settings.state_dir / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
