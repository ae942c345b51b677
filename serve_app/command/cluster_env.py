"""The environment that Ray's processes on a cluster need, and whether its nodes have it."""

import os
import shlex
from collections.abc import Iterator

from actors.ray_internals import session, variables
from rfuav_ray.cli.doctor.software import Finding
from rfuav_ray.settings import Settings
from serve_app.ingress.choice import Ingress, lasting_ingress

OWN_FOLDER = f"Start Ray there with {session.FOLDER} set to a folder that only its user can open (chmod 700)."
ADVICE = 'Stop Ray there, and start it in a shell with `eval "$(rfuav cluster-env)"`.'


def cluster_environment(settings: Settings) -> Ingress:
    """The ingress of the head node; its `environment` is all that `ray start` needs. Prepares HAProxy's files."""
    found = lasting_ingress(
        settings.host,
        settings.state_dir,
        connections=settings.max_connections_per_address,
        streams=settings.max_streams_per_address,
    )
    wanted = variables.OF_SERVICE | found.environment
    return Ingress(
        found.serve_host, {name: os.environ.get(name, usual) for name, usual in wanted.items()}, found.notice
    )


def exports(environment: dict[str, str]) -> str:
    """Lines for a shell."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in environment.items())


def check_cluster() -> Iterator[Finding]:
    """Compare the environment of Ray on each node of the cluster of RAY_ADDRESS with what the service needs."""
    if "RAY_ADDRESS" not in os.environ:
        return
    import ray  # noqa: PLC0415

    from actors.ray_internals import nodes  # noqa: PLC0415

    try:
        ray.init(log_to_driver=False, logging_level="ERROR")
    except Exception as error:  # Ray has no exception class for it.
        address = os.environ["RAY_ADDRESS"]
        yield Finding("cluster", "broken", f"no Ray at {address}: {error}", "Start Ray, or correct RAY_ADDRESS.")
        return
    try:
        for node in ray.nodes():
            if node["Alive"]:
                wanted = dict(variables.OF_SERVICE)
                if nodes.is_head(node):
                    wanted |= {variables.HAPROXY_SWITCH: "1"}
                names = (*wanted, variables.INGRESS_HOST)
                yield compared(node["NodeManagerAddress"], wanted, nodes.environment_of(node["NodeID"], names))
                if folder := nodes.folder_open_to_others(node["NodeID"]):
                    text = f"every user of that machine may write into Ray's '{folder}'"
                    yield Finding(f"node {node['NodeManagerAddress']}", "warning", text, OWN_FOLDER)
    finally:
        ray.shutdown()


def compared(address: str, wanted: dict[str, str], found: dict[str, str]) -> Finding:
    """Say what a node lacks."""
    name = f"node {address}"
    if lacking := [variable for variable in wanted if variable not in found]:
        return Finding(name, "warning", f"Ray there has no {', '.join(lacking)}", ADVICE)
    if variables.HAPROXY_SWITCH in wanted and variables.INGRESS_HOST not in found:
        return Finding(name, "warning", "its HAProxy answers statistics to every machine", ADVICE)
    return Finding(name, "ok", "Ray has the environment of `rfuav cluster-env`")
