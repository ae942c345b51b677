"""Requests that change priorities and the limits of devices."""

from pydantic import Field

from rfuav_ray.api.requests.device_names import PATTERN, DeviceName
from rfuav_ray.api.requests.fields import Limit, Priority, Request


class PriorityUpdate(Request):
    priority: Priority


class DeviceCaps(Request):
    training: Limit | None = Field(None, description="limit of trainings; null: unchanged")
    inference: Limit | None = Field(None, description="limit of inferences; null: unchanged")


class ResourceConfigUpdate(Request):
    """New limits by device (`cpu`, `cuda:N`, or `cuda` for every GPU). Omitted limits stay unchanged."""

    max_concurrent: dict[DeviceName, DeviceCaps] = Field(
        min_length=1,
        max_length=1000,
        examples=[{"cpu": {"training": 1, "inference": 2}}],
        json_schema_extra={"propertyNames": {"pattern": PATTERN}},
    )
