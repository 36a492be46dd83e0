"""JSON answers encoded by msgspec, and how OpenAPI describes them."""

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.responses import JSONResponse

from command import models, records

_encoder = msgspec.json.Encoder()

REF = "#/components/schemas/{name}"
ERRORS = {
    404: "There is nothing of that name.",
    413: "The body is too large.",
    422: "A parameter or the body is wrong; `field` names it.",
    500: "The server failed; its log says why.",
    503: "The database or the broker is away; try again.",
}

Responses = dict[int | str, dict[str, Any]]

BODIES: tuple[type[models.View], ...] = (
    models.ErrorBody, models.SiteView, models.NetworkView, models.IntersectionList, models.IntersectionDetail,
    models.SignalList, models.LaneList, models.CameraList, models.PictureList, models.AgentList,
    models.EventList, models.EventPage, models.Kpis, models.DeliveryList, models.HealthView,
    models.Samples, records.LaneRecords,
    records.LaneBuckets, records.CountRecords, records.CountBuckets, records.SignalPage, records.CommandPage,
)  # fmt: skip


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
) -> Responses:
    """The `responses` of a route: its success and the errors it may answer (500 always)."""
    success: dict[str, Any] = {"description": description}
    if isinstance(body, Sequence):
        schema = {"oneOf": [{"$ref": REF.format(name=one.__name__)} for one in body]}
    elif body is not None:
        schema = {"$ref": REF.format(name=body.__name__)}
    if schema is not None:
        success["content"] = {media_type: {"schema": schema}}
    fault = {"application/json": {"schema": {"$ref": REF.format(name="ErrorBody")}}}
    answers: Responses = {status: success}
    for code in (*errors, 422, 500):
        answers[code] = {"description": ERRORS[code], "content": fault}
    return answers


def components() -> dict[str, Any]:
    """JSON schemas of every body, by name."""
    _, found = msgspec.json.schema_components(BODIES, ref_template=REF)
    return dict(found)
