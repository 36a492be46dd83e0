"""How a route gets at the app's shared state."""

from typing import Annotated

from fastapi import Depends, Request

from command.centre import Centre


def _centre(request: Request) -> Centre:
    centre = request.app.state.centre
    assert isinstance(centre, Centre)
    return centre


Shared = Annotated[Centre, Depends(_centre)]
