"""`python -m rfuav_ray.cli`, the same as `rfuav`."""

from rfuav_ray.cli import main

main()
