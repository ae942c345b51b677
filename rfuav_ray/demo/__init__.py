"""`rfuav demo`: the whole way on simulated recordings."""

from rfuav_ray.demo.main import run

__all__ = ["run"]
