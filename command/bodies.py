"""Bodies of requests: JSON of a msgspec type, described in OpenAPI, the wrong field named."""

from typing import Any, TypeVar

import msgspec
from fastapi import Request

from command.answers import REF
from command.faults import ApiError
from command.models import View

Body = TypeVar("Body", bound=View)


def described(type_: type[View]) -> dict[str, Any]:
    """What `openapi_extra` says of a route that takes this body."""
    schema = {"$ref": REF.format(name=type_.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


async def read(request: Request, type_: type[Body]) -> Body:
    """The body; ApiError 422 names the field that is wrong, 422 where it is not sent as JSON."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        # Only JSON makes a browser ask first when the page is another site's.
        raise ApiError(422, "content-type: it must be application/json", "content-type")
    try:
        return msgspec.json.decode(await request.body(), type=type_)
    except (msgspec.MsgspecError, UnicodeError) as error:
        reason, _, path = str(error).partition(" - at `")
        first = msgspec.structs.fields(type_)[0].name
        raise ApiError(422, reason, path.rstrip("`").removeprefix("$.") or first) from error
