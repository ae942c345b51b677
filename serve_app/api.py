"""The FastAPI application of one replica: routes, guards, error format, documentation."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import ray
from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from actors import names
from actors.background import Jobs
from actors.events.follow import follow
from actors.gc_tuning import gc_paused
from rfuav_ray.file_access.roots import confine
from rfuav_ray.logs import write_to_log_file
from rfuav_ray.objects.access import allow_objects
from rfuav_ray.settings import Settings
from serve_app.access.audit_log import AuditLog
from serve_app.access.door import Door
from serve_app.access.keyring import needs_keys
from serve_app.error_answers import ERROR_RESPONSES, add_error_handlers
from serve_app.gateway import Service
from serve_app.middleware.audited import Audited
from serve_app.middleware.below_prefix import BelowPrefix
from serve_app.middleware.body_limit import BodyLimit
from serve_app.middleware.cross_site import CrossSite
from serve_app.middleware.failures import Failures
from serve_app.middleware.host_check import HostCheck
from serve_app.middleware.hot_routes import HotRoutes
from serve_app.middleware.key_check import KeyCheck
from serve_app.middleware.measured import Measured, RequestMetrics
from serve_app.middleware.safe_headers import SafeHeaders
from serve_app.pages import description, docs, index, redoc
from serve_app.pages.page import add_page
from serve_app.query_check import each_once
from serve_app.routes import (
    artifacts,
    evaluation,
    events,
    files,
    inference,
    preprocessing,
    recordings,
    tasks,
    training,
)
from serve_app.routes.service import health, metrics, resources, session
from serve_app.streams.sse import TaskStreams
from serve_app.view.task_view import TaskView

START_TIMEOUT_S = 60.0
#: the routes with most requests, the most frequent first
HOT = (tasks.cached, training.cached, inference.cached, health.cached, training.starts, inference.starts)


def create_api(settings: Settings, notices: Sequence[str] = ()) -> ASGIApp:
    """The application and the middleware in front of it, as a replica runs them. `notices`: see InfoResponse."""
    confine(settings.folder_roots, settings.private_paths)
    allow_objects(settings.objects)
    write_to_log_file(settings)
    return _Served(in_front(create_app(settings, notices), settings))


class _Served(FastAPI):
    """The application with its middleware. Ray's dashboard links to the docs of a FastAPI alone."""

    def __init__(self, api: ASGIApp) -> None:
        super().__init__()
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._api(scope, receive, send)


def in_front(app: FastAPI, settings: Settings) -> ASGIApp:
    """The middleware in front of the routes, the innermost first."""
    measured = Measured(app, app.state.requests)
    api: ASGIApp = HotRoutes(measured, app, [route for router in HOT for route in router.routes])
    api = BodyLimit(api)
    if app.state.door is not None:
        api = KeyCheck(api, app.state.door)
    if settings.cors_origins:
        api = CORSMiddleware(api, allow_origins=settings.cors_origins, allow_methods=["*"], allow_headers=["*"])
    api = CrossSite(api, origins=settings.cors_origins)
    api = Audited(api, AuditLog(settings.state_dir))
    api = BelowPrefix(api)
    api = HostCheck(api, host=settings.host, allowed=settings.allowed_hosts)
    return SafeHeaders(Failures(api))


def create_app(settings: Settings, notices: Sequence[str] = ()) -> FastAPI:
    app = FastAPI(
        title=settings.app_name,
        version=settings.version,
        description="Train, run and monitor classifiers of drone radio signals.",
        lifespan=_connected,
        responses=ERROR_RESPONSES,
        dependencies=[Depends(each_once)],
        # A path with an extra slash is an unknown route. It is not redirected.
        redirect_slashes=False,
        # See serve_app/pages.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.notices = notices
    app.state.door = Door(settings) if needs_keys(settings) else None
    app.state.requests = RequestMetrics()
    for router in HOT:
        app.include_router(router)
    for group in (
        training,
        inference,
        recordings,
        evaluation,
        preprocessing,
        tasks,
        artifacts,
        events,
        files,
        resources,
        health,
        session,
        metrics,
        index,
        description,
        docs,
        redoc,
    ):
        app.include_router(group.router)
    add_page(app)
    docs.add_programs(app)
    description.describe_access(app, settings.port)
    add_error_handlers(app)
    return app


@asynccontextmanager
async def _connected(app: FastAPI) -> AsyncIterator[None]:
    """Find the actors and fill the local copy of the tasks before the first request."""
    task_manager_actor = ray.get_actor(names.TASK_MANAGER, names.NAMESPACE)
    metrics_actor = ray.get_actor(names.METRICS, names.NAMESPACE)
    view = TaskView()
    streams = TaskStreams(metrics_actor, view)
    app.state.service = Service(app.state.settings, view, streams, task_manager_actor, app.state.notices)
    following = Jobs().keep("the feed of tasks", partial(follow, metrics_actor, view.apply))
    try:
        with gc_paused():
            await asyncio.wait_for(view.is_ready.wait(), START_TIMEOUT_S)
        yield
    finally:
        following.cancel()
