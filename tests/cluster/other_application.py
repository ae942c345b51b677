"""A program of somebody else that deploys an application on the Ray Serve of RAY_ADDRESS, and ends."""

import ray
from ray import serve


@serve.deployment(ray_actor_options={"num_cpus": 0})
class Other:
    async def __call__(self, _request):
        return "alive"


if __name__ == "__main__":
    ray.init(log_to_driver=False)
    serve.run(Other.bind(), name="other", route_prefix="/other")
