"""The ingress of a cluster that was started before, with the variables of `rfuav cluster-env` or without."""

from actors.ray_internals import nodes, variables
from rfuav_ray.errors import RfuavError
from serve_app.ingress.choice import Ingress

REMEDY = "Set the variables of `rfuav cluster-env` before `ray start` on the head node."


def ingress_of_cluster(host: str) -> Ingress:
    """Find out which ingress the cluster's head node has. Ray must be initialised.

    Args:
        host: Where the API has to listen for clients.

    Raises:
        RfuavError: Its HAProxy listens on another address.
    """
    return chosen(host, nodes.environment_of(nodes.head_node_id(), variables.OF_INGRESS))


def chosen(host: str, environment: dict[str, str]) -> Ingress:
    """The ingress of a head node with this environment; see `ingress_of_cluster`."""
    if environment.get(variables.HAPROXY_SWITCH) != "1":
        return Ingress(host, {})
    listens = environment.get(variables.INGRESS_HOST)
    if listens is None:
        notice = (
            "The cluster's HAProxy answers its statistics and metrics to every machine, without a key. " + REMEDY
        )
        return Ingress(host, {}, notice)
    if listens != host:
        raise RfuavError(
            f"The cluster's HAProxy listens on {listens}, and HOST is {host}. Set HOST to {listens}, or call "
            "`rfuav cluster-env` with this HOST before `ray start`."
        )
    return Ingress("127.0.0.1", {})
