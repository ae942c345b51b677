"""Clients of the service: `with RFUAVClient() as client: client.start_training(...)`, and AsyncRFUAVClient."""

from rfuav_ray.client.clients import AsyncRFUAVClient, RFUAVClient
from rfuav_ray.client.service_errors import ServiceError, ServiceUnreachable

__all__ = ["AsyncRFUAVClient", "RFUAVClient", "ServiceError", "ServiceUnreachable"]
