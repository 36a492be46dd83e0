"""The web application: routes, errors, documents, and the state behind them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from citybrain import __version__
from citybrain.config import Settings
from command import answers, faults
from command.centre import WEB_DIST, Centre
from command.guard import API, Guard
from command.routes import cameras, health, history, now, places, stream, web


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
    for resource in (places, now, cameras, history, stream):
        app.include_router(resource.router, prefix=API)
    app.include_router(health.documents, prefix=API)
    app.include_router(health.router)
    app.add_api_route("/openapi.json", health.openapi, include_in_schema=False)
    faults.install(app)
    app.mount("/", web.WebFiles(dist), name="web")
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
        found.setdefault("components", {}).setdefault("schemas", {}).update(answers.components())
        app.openapi_schema = found
    return app.openapi_schema
