"""One Ray and one service for the whole session; see tests.support.live_service."""

from tests.support.live_service import (
    client,
    dataset,
    inference,
    log_file,
    own_service,
    root,
    service,
    trained,
    training,
)

__all__ = ["client", "dataset", "inference", "log_file", "own_service", "root", "service", "trained", "training"]
