"""Errors as the API answers them: one shape, a code for programs, the field, a sentence for people."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from citybrain.errors import Unavailable
from command.answers import Json
from command.models import ErrorBody, Fault

CODES = {
    400: "bad_request",
    401: "signed_out",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    422: "invalid",
    429: "too_many",
    500: "internal",
    503: "unavailable",
}


class ApiError(Exception):
    """A refusal that a route decides; becomes a body of `ErrorBody` with this status."""

    def __init__(self, status: int, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field


def refusal(status: int, message: str, field: str | None = None) -> Json:
    """The answer for a fault."""
    code = CODES.get(status, "refused")
    headers = {"cache-control": "no-store"} | ({"retry-after": "2"} if status == 503 else {})
    return Json(ErrorBody(error=Fault(code=code, field=field, message=message)), status, headers)


def install(app: FastAPI) -> None:
    """Answer every error of this app in one shape."""
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(Unavailable, _on_unavailable)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


async def _on_api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return refusal(error.status, error.message, error.field)


async def _on_unavailable(_request: Request, error: Exception) -> Response:
    return refusal(503, str(error))


async def _on_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = [str(part) for part in first["loc"][1:]]
    field = ".".join(place) or None
    return refusal(422, f"{field or 'the request'}: {first['msg']}", field)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return refusal(404, f"there is nothing at {request.url.path[:200]}")
    if error.status_code == 405:
        return refusal(405, f"{request.method} is not possible here")
    return refusal(error.status_code, str(error.detail))
