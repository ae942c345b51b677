"""A Ray cluster on this machine that obeys its standard input.

`add GPUS` and `kill NODE`; `hold GPU` and `release`; `deploy` and `ask` another Serve application; `undeploy` the
API, `end` an actor; `where` the service's actors are, `here` for the head, and `process` of its task manager.

A program of its own, because a test session can be in one Ray only.
"""

import os
import sys
from contextlib import suppress

import ray
from ray import serve
from ray.cluster_utils import Cluster
from ray.exceptions import ActorDiedError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors import names

ACTORS = (names.TASK_MANAGER, names.RUN_SUPERVISOR, names.METRICS)
#: what Ray itself prints comes between
ANSWER = "answer: "
HEAD = {
    "num_cpus": 1,
    "num_gpus": 2,
    "include_dashboard": False,
    # A lost node is noticed after 2 s instead of 15.
    "_system_config": {"health_check_period_ms": 500, "health_check_failure_threshold": 4},
}


class OtherApplication:
    def __call__(self):
        return "alive"


class OtherProgram:
    def gpu_id(self):
        return ray.get_gpu_ids()[0]


def look_into(name, function):
    return ray.get(ray.get_actor(name, names.NAMESPACE).__ray_call__.remote(function))


def node_of(_actor):
    return ray.get_runtime_context().get_node_id()


def process_of(_actor):
    return os.getpid()


def undeploy():
    while "rfuav" not in serve.status().applications:  # a service that starts may not have deployed it yet
        pass
    with suppress(ActorDiedError):  # the service, which notices it, may end Ray Serve before the answer comes
        serve.delete("rfuav")


def main():
    cluster = Cluster(initialize_head=True, head_node_args=HEAD)
    ray.init(address=cluster.address, log_to_driver=False)
    nodes, other = {}, None
    print(f"{ANSWER}{cluster.address}", flush=True)
    for line in sys.stdin:
        command, *arguments = line.split()
        answer = "done"
        if command == "add":
            node = cluster.add_node(num_cpus=1, num_gpus=int(arguments[0]))
            nodes[node.node_id] = node
            answer = node.node_id
        elif command == "kill":
            cluster.remove_node(nodes.pop(arguments[0]), allow_graceful=False)
        elif command == "hold":
            where = NodeAffinitySchedulingStrategy(cluster.head_node.node_id, soft=False)
            options = {"num_gpus": float(arguments[0]), "num_cpus": 0, "scheduling_strategy": where}
            other = ray.remote(OtherProgram).options(**options).remote()
            answer = ray.get(other.gpu_id.remote())
        elif command == "release":
            ray.kill(other)
        elif command == "deploy":
            deployment = serve.deployment(OtherApplication, ray_actor_options={"num_cpus": 0})
            serve.run(deployment.bind(), name="other", route_prefix="/other")
        elif command == "ask":
            answer = serve.get_app_handle("other").remote().result(timeout_s=30)
        elif command == "where":
            answer = ",".join(look_into(name, node_of) for name in ACTORS)
        elif command == "here":
            answer = cluster.head_node.node_id
        elif command == "undeploy":
            undeploy()
        elif command == "end":
            ray.kill(ray.get_actor(arguments[0], names.NAMESPACE))
        elif command == "process":
            answer = look_into(names.TASK_MANAGER, process_of)
        print(f"{ANSWER}{answer}", flush=True)
    ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    os.environ["RAY_AUTH_MODE"] = "disabled"
    main()
