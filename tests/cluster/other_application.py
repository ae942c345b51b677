"""A program of somebody else that deploys an application on the Ray Serve of RAY_ADDRESS, and ends."""

import ray
from ray import serve


class Other:
    async def __call__(self, _request):
        return "alive"


if __name__ == "__main__":
    ray.init(log_to_driver=False)
    application = serve.deployment(Other, ray_actor_options={"num_cpus": 0}).bind()
    serve.run(application, name="other", route_prefix="/other")
