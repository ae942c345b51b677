"""The client of the service: `with RFUAVClient() as client: client.start_training(...)`, and its async twin."""

from rfuav_ray.client.clients import AsyncRFUAVClient, RFUAVClient
from rfuav_ray.client.errors import ServiceError, ServiceUnreachable

__all__ = ["AsyncRFUAVClient", "RFUAVClient", "ServiceError", "ServiceUnreachable"]
