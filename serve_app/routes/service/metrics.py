"""The service's own metrics, for Prometheus. Ray exports those of its cluster and of Ray Serve itself."""

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from serve_app.gateway import TheService
from serve_app.middleware.measured import RequestMetrics
from serve_app.view.figures import families

router = APIRouter(tags=["metrics"])


@dataclass(frozen=True)
class _Collected:
    """What prometheus_client takes for a collector."""

    metrics: Iterable[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.metrics


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"description": "Prometheus text", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request, service: TheService) -> Response:
    """The service's own metrics as Prometheus text: tasks, slots, runs, GPUs, trainings, requests, streams.

    `rfuav_up` is 0 while the task manager does not answer. Slots, runs and GPUs are then left out.
    """
    requests: RequestMetrics = request.app.state.requests
    shown = families(
        service.view.copy,
        await service.figures(),
        {"log": service.streams.client_count, "tasks": service.events.client_count},
        requests.replica,
    )
    body = generate_latest(_Collected(shown)) + generate_latest(requests.registry)
    return Response(body, media_type=CONTENT_TYPE_PLAIN_0_0_4)
