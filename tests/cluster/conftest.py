"""The data of the integration tests; the cluster and its service are programs of their own."""

from tests.support.live_service import dataset, root, training

__all__ = ["dataset", "root", "training"]
