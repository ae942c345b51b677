"""A MetricsActor as a plain object, with its store and its log file in a folder of the test."""

from actors.events.metrics_actor import MetricsActor
from actors.store.store import database_url
from rfuav_ray.settings import Settings


def metrics_actor(folder):
    return MetricsActor(database_url("", folder), Settings(_env_file=None, log_file=folder / "app.log"))
