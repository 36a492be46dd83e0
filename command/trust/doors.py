"""What each route asks of who calls it; a route that says nothing does not come into the app."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from citybrain.errors import Unavailable
from command.faults import ApiError
from command.principal import Principal, signed_in
from command.trust.rights import Action

PUBLIC = "public"
SIGNED_IN = "signed_in"


class Door:
    """A dependency that lets those pass who may do `action`."""

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(self, request: Request) -> Principal:
        if fault := getattr(request.state, "trust_fault", ""):
            raise Unavailable(fault)
        principal = signed_in(request)
        if self.action not in request.state.actions:
            raise ApiError(403, f"{self.action}: the account or token in use may not do this")
        return principal


class Open:
    """A dependency that says: anybody may."""

    async def __call__(self) -> None:
        """Let pass."""


_OPEN = Open()
public: Any = Depends(_OPEN)
"""Marks a route that needs nobody to be signed in."""


def requires(action: Action) -> Any:
    """Marks a route that only those may use whom the table of rights allows `action`."""
    return Depends(Door(action))


def door_of(route: APIRoute) -> str | None:
    """The action that a route asks for, `public`, `signed_in`, or None where it says nothing."""
    calls = list(_calls(route.dependant))
    for call in calls:
        if isinstance(call, Door):
            return call.action.value
    if any(isinstance(call, Open) for call in calls):
        return PUBLIC
    return SIGNED_IN if signed_in in calls else None


def check(router: APIRouter) -> APIRouter:
    """The router, every route of which says who may use it; RuntimeError names one that does not."""
    for route in router.routes:
        if isinstance(route, APIRoute) and door_of(route) is None:
            raise RuntimeError(
                f"{route.path} says not who may use it: give it requires(Action...), SignedIn or public"
            )
    return router


def _calls(dependant: Dependant) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)
