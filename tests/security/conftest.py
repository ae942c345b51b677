"""One Ray and one service for the whole session; see tests.support.live_service."""

from tests.support.live_service import *  # noqa: F403
