"""A Ray cluster on this machine that obeys its standard input: `add GPUS`, `kill NODE`, `hold GPU`, `release`.

A program of its own, because a test session can be in one Ray only.
"""

import os
import sys

import ray
from ray.cluster_utils import Cluster
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

#: what Ray itself prints comes between
ANSWER = "answer: "
HEAD = {
    "num_cpus": 1,
    "num_gpus": 2,
    "include_dashboard": False,
    # A lost node is noticed after 2 s instead of 15.
    "_system_config": {"health_check_period_ms": 500, "health_check_failure_threshold": 4},
}


class OtherProgram:
    def gpu_id(self):
        return ray.get_gpu_ids()[0]


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
        print(f"{ANSWER}{answer}", flush=True)
    ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    os.environ["RAY_AUTH_MODE"] = "disabled"
    main()
