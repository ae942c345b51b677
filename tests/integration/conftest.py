"""One Ray and one service for the whole session; see tests.support.live_service."""

from tests.support.live_service import client, dataset, log_file, own_service, root, service, trained, training

__all__ = ["client", "dataset", "log_file", "own_service", "root", "service", "trained", "training"]
