"""The web application: routes, errors, documents, and the state behind them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from citybrain import __version__
from citybrain.config import Settings
from command import answers, faults, schemas
from command.centre import WEB_DIST, Centre
from command.guard import API, Guard
from command.routes import (
    accounts,
    alarms,
    audit,
    cad,
    calibration,
    cameras,
    case_deeds,
    cases,
    evaluation,
    field,
    figures,
    grid,
    health,
    history,
    inbox,
    looks,
    me,
    now,
    open311,
    orders,
    places,
    playback,
    public,
    retention,
    search,
    session,
    shift,
    stream,
    streets,
    uploads,
    views,
    web,
    webhooks,
)
from command.trust import doors
from command.trust.gatekeeper import Gatekeeper
from command.trust.rights import Action

RESOURCES = (
    places, search, now, cameras, calibration, looks, history, playback, figures, shift, stream, session, me,
    views, accounts, audit, alarms, webhooks, retention, cases, case_deeds, field, inbox, grid, uploads,
    public, evaluation, cad, streets, orders,
)  # fmt: skip


def create_app(settings: Settings, dist: Path = WEB_DIST) -> FastAPI:
    """The app; it listens to MQTT while its lifespan lasts. `dist` holds the built front end."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        centre = Centre(settings, dist)
        app.state.centre = centre
        await centre.start()
        try:
            yield
        finally:
            await centre.stop()

    # FastAPI's own documentation pages load scripts from elsewhere, so there are none.
    app = FastAPI(
        title="City Brain",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    for resource in RESOURCES:
        app.include_router(doors.check(resource.router), prefix=API)
    app.include_router(doors.check(open311.router))
    app.include_router(doors.check(health.documents), prefix=API)
    app.include_router(doors.check(health.router))
    app.add_api_route(
        "/openapi.json",
        health.openapi,
        include_in_schema=False,
        dependencies=[doors.requires(Action.SEE_DOCUMENTS)],
    )
    faults.install(app)
    app.mount("/", web.WebFiles(dist), name="web")
    app.add_middleware(Gatekeeper, settings=settings)
    app.add_middleware(Guard)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    return app


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the bodies' schemas as msgspec knows them."""
    if not app.openapi_schema:
        found = get_openapi(
            title=app.title,
            version=app.version,
            summary="What City Brain sees, how it times the signals, and what it recorded.",
            routes=app.routes,
        )
        parts = found.setdefault("components", {})
        parts.setdefault("schemas", {}).update(schemas.components())
        parts["securitySchemes"] = answers.SECURITY
        _tell_doors(found["paths"])
        app.openapi_schema = found
    return app.openapi_schema


def _tell_doors(paths: dict[str, dict[str, Any]]) -> None:
    """Every operation that asks who is there says how to show it."""
    for path, method, door in described_doors():
        if door != doors.PUBLIC:
            paths[path][method]["security"] = [{name: []} for name in answers.SECURITY]


def described_doors() -> Iterator[tuple[str, str, str]]:
    """Path, method and door of every route in the OpenAPI document."""
    routers = [(API, resource.router) for resource in RESOURCES]
    for prefix, router in [*routers, (API, health.documents), ("", health.router)]:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.include_in_schema:
                for method in sorted(route.methods or ()):
                    yield prefix + route.path, method.lower(), str(doors.door_of(route))
