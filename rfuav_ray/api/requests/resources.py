"""Requests that steer the queue and the devices."""

from pydantic import Field

from rfuav_ray.api.requests.fields import Limit, Priority, Request


class PriorityUpdate(Request):
    priority: Priority


class DeviceCaps(Request):
    training: Limit | None = None
    inference: Limit | None = None


class ResourceConfigUpdate(Request):
    """New caps by device (`cpu`, `cuda:N`, or `cuda` for every GPU); what is left out stays."""

    max_concurrent: dict[str, DeviceCaps] = Field(
        min_length=1, examples=[{"cpu": {"training": 1, "inference": 2}}]
    )
