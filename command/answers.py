"""JSON answers encoded by msgspec, and how OpenAPI describes them."""

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.responses import JSONResponse

from command import models

_encoder = msgspec.json.Encoder()

REF = "#/components/schemas/{name}"
ERRORS = {
    401: "Nobody is signed in, or the session is over.",
    403: "The account or token may not do this, or another site's page asked.",
    404: "There is nothing of that name.",
    409: "It is not as the request takes it to be; look again.",
    413: "The body is too large.",
    422: "A parameter or the body is wrong; `field` names it.",
    429: "Too many requests; ask again later.",
    500: "The server failed; its log says why.",
    503: "The database or the broker is away; try again.",
}

Responses = dict[int | str, dict[str, Any]]

SECURITY = {
    "session": {"type": "apiKey", "in": "cookie", "name": "citybrain_session"},
    "token": {"type": "http", "scheme": "bearer"},
}
"""How a caller shows who it is; public routes need neither."""


class Json(JSONResponse):
    """A body of a msgspec type."""

    def render(self, content: object) -> bytes:
        return content if isinstance(content, bytes) else _encoder.encode(content)


def documented(
    body: type[models.View] | Sequence[type[models.View]] | None,
    description: str,
    *errors: int,
    media_type: str = "application/json",
    schema: dict[str, Any] | None = None,
    status: int = 200,
    public: bool = False,
) -> Responses:
    """The `responses` of a route: its success and the errors it may answer (422, 429 and 500 always).

    `public`: nobody needs to be signed in for it.
    """
    success: dict[str, Any] = {"description": description}
    if isinstance(body, Sequence):
        schema = {"oneOf": [{"$ref": REF.format(name=one.__name__)} for one in body]}
    elif body is not None:
        schema = {"$ref": REF.format(name=body.__name__)}
    if schema is not None:
        success["content"] = {media_type: {"schema": schema}}
    fault = {"application/json": {"schema": {"$ref": REF.format(name="ErrorBody")}}}
    answers: Responses = {status: success}
    for code in (*errors, *(() if public else (401, 403, 503)), 422, 429, 500):
        answers[code] = {"description": ERRORS[code], "content": fault}
    return answers
