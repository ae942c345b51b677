"""`rfuav demo`: the whole workflow on simulated recordings."""

from rfuav_ray.demo.main import run

__all__ = ["run"]
