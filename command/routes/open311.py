"""Open311 GeoReport v2 under /open311/v2; its documents are the standard and its discovery, not OpenAPI."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, cast
from urllib.parse import parse_qsl
from uuid import uuid4

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from citybrain.errors import Unavailable
from command.cases import open311
from command.cases.intake import Report, take
from command.cases.open311 import MOST, TYPES, Format, GeoError
from command.centre import Centre
from command.database import Row
from command.faults import ApiError
from command.principal import Principal
from command.shared import Shared
from command.trust import tickets
from command.trust.doors import public
from command.trust.gatekeeper import address_of
from command.trust.rights import Action

router = APIRouter(prefix="/open311/v2", dependencies=[public], include_in_schema=False)

Asked = Annotated[str | None, Query()]
FORM = "application/x-www-form-urlencoded"
LONGEST_TEXT = 4_000


async def answer(
    format_: str, name: str, item: str, make: Callable[[], Awaitable[Any]], status: int = 200
) -> Response:
    """What `make` tells, in the format asked for; GeoReport's errors where it cannot."""
    kind = cast("Format", format_ if format_ in TYPES else "xml")
    try:
        if format_ not in TYPES:
            raise GeoError(404, f"there is no format {format_[:20]}: ask for .xml or .json")  # noqa: TRY301
        body = open311.render(kind, name, item, await make())
    except GeoError as error:
        return _refused(kind, error.code, error.description)
    except ApiError as error:
        return _refused(kind, 400 if error.status == 422 else error.status, error.message)
    except Unavailable as error:
        return _refused(kind, 503, str(error))
    return Response(body, status, media_type=TYPES[kind])


def _refused(kind: Format, code: int, description: str) -> Response:
    return Response(open311.errors(kind, code, description), code, media_type=TYPES[kind])


@router.get("/discovery.{format_}")
async def discovery(format_: str, request: Request, centre: Shared) -> Response:
    """Where the endpoint is and what it speaks."""

    async def make() -> Any:
        url = centre.settings.trust.public_url.rstrip("/") or str(request.base_url).rstrip("/")
        contact = f"The command centre of {centre.settings.site.name}"
        return open311.discovery(f"{url}/open311/v2", contact, STARTED)

    return await answer(format_, "discovery", "", make)


@router.get("/services.{format_}")
async def services(format_: str, centre: Shared, *, jurisdiction_id: Asked = None) -> Response:
    """What can be reported."""

    async def make() -> Any:
        _jurisdiction(centre, jurisdiction_id)
        rows = await centre.database.fetch("class_list", {"public": True})
        return [open311.service(row, tokens=centre.settings.cases.open311_tokens) for row in rows]

    return await answer(format_, "services", "service", make)


@router.get("/services/{code}.{format_}")
async def definition(code: str, format_: str, centre: Shared, *, jurisdiction_id: Asked = None) -> Response:
    """What one service asks."""

    async def make() -> Any:
        _jurisdiction(centre, jurisdiction_id)
        return open311.definition(await _service(centre, code))

    return await answer(format_, "service_definition", "", make)


@router.get("/requests.{format_}")
async def requests(
    format_: str,
    centre: Shared,
    *,
    jurisdiction_id: Asked = None,
    service_request_id: Asked = None,
    service_code: Asked = None,
    start_date: Asked = None,
    end_date: Asked = None,
    status: Asked = None,
) -> Response:
    """Requests by id, or by class, time and status: those of 90 days, 1,000 at most."""

    async def make() -> Any:
        _jurisdiction(centre, jurisdiction_id)
        numbers = open311.codes(service_request_id)
        asked: dict[str, object] = {
            "numbers": numbers,
            "classes": None,
            "from": None,
            "to": None,
            "open": None,
        }
        if numbers is None:
            window = open311.window(start_date, end_date, datetime.now(UTC))
            asked |= {
                "classes": open311.codes(service_code), "from": window.start, "to": window.end,
                "open": open311.is_open(status),
            }  # fmt: skip
        elif len(numbers) > MOST:
            raise GeoError(400, f"at most {MOST} requests are asked for at once")
        rows = await centre.database.fetch("open311_requests", asked)
        return [open311.request(row) for row in rows]

    return await answer(format_, "service_requests", "request", make)


@router.get("/requests/{number}.{format_}")
async def one(number: str, format_: str, centre: Shared, *, jurisdiction_id: Asked = None) -> Response:
    """One request; a list of one, as the standard has it."""

    async def make() -> Any:
        _jurisdiction(centre, jurisdiction_id)
        numbers = [number.replace("\0", "")]
        asked = {"numbers": numbers, "classes": None, "from": None, "to": None, "open": None}
        rows = await centre.database.fetch("open311_requests", asked)
        if not rows:
            raise GeoError(404, "there is no request of this service_request_id")
        return [open311.request(row) for row in rows]

    return await answer(format_, "service_requests", "request", make)


@router.get("/tokens/{token}.{format_}")
async def token(token: str, format_: str, centre: Shared, *, jurisdiction_id: Asked = None) -> Response:
    """The id of the request that was answered with this token, once the case is filed."""

    async def make() -> Any:
        _jurisdiction(centre, jurisdiction_id)
        rows = await centre.database.fetch("open311_token", {"hash": tickets.kept(token)})
        if not rows:
            raise GeoError(404, "there is no such token")
        waits = centre.settings.cases.open311_tokens and rows[0]["stage"] == "collect"
        return [{"service_request_id": None if waits else rows[0]["number"], "token": token}]

    return await answer(format_, "service_requests", "request", make)


@router.post("/requests.{format_}")
async def report(format_: str, request: Request, centre: Shared) -> Response:
    """Report as a form; the api_key is a token with the scope report_cases."""

    async def make() -> Any:
        wait_s = centre.public_rates.wait_s((address_of(request.scope), "open311"))
        if wait_s > 0:
            raise GeoError(429, f"too many requests; try again in {int(wait_s) + 1} s")
        form = await _form(request)
        _jurisdiction(centre, form.get("jurisdiction_id") or request.query_params.get("jurisdiction_id"))
        principal = await _principal(centre, form.get("api_key") or request.query_params.get("api_key", ""))
        if not form.get("service_code"):
            raise GeoError(400, "service_code is missing")
        class_ = await _service(centre, form["service_code"])
        secret = tickets.new()
        async with centre.cases.acting(principal) as acting:
            row = await take(acting, _report(form, class_, secret))
        return [_receipt(centre, row, secret)]

    return await answer(format_, "service_requests", "request", make)


@router.api_route("/{rest:path}", methods=["GET", "POST"])
async def other(rest: str) -> Response:
    """Anything else is told as GeoReport tells it."""
    return _refused("json" if rest.endswith(".json") else "xml", 404, "there is nothing at this address")


STARTED = datetime.now(UTC)


def _receipt(centre: Centre, row: Row, secret: str) -> dict[str, Any]:
    if centre.settings.cases.open311_tokens:
        return {"token": secret, "service_notice": None, "account_id": None}
    return {"service_request_id": row["number"], "service_notice": None, "account_id": None}


def _report(form: dict[str, str], class_: Row, secret: str) -> Report:
    text = form.get("description", "")
    if len(text) > LONGEST_TEXT:
        raise GeoError(400, f"description has at most {LONGEST_TEXT} characters")
    names = ("email", "phone", "first_name", "last_name", "device_id", "account_id")
    contact = {name: form[name][:200] for name in names if form.get(name)}
    component = form.get("attribute[component]") or None
    return Report(
        id=uuid4(), class_=class_["code"], position=_place(form), source="open311", text=text,
        address=form.get("address_string", "")[:200], component=component, follow=secret,
        contact=contact or None, media_url=form.get("media_url", "")[:2000],
    )  # fmt: skip


def _place(form: dict[str, str]) -> tuple[float, float]:
    if not (form.get("lat") and form.get("long")):
        raise GeoError(400, "lat and long are needed: this endpoint does not find addresses")
    try:
        lon, lat = float(form["long"]), float(form["lat"])
    except ValueError as error:
        raise GeoError(400, "lat and long are degrees, such as 50.94") from error
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise GeoError(400, "lat and long are out of bounds")
    return lon, lat


async def _form(request: Request) -> dict[str, str]:
    kind = request.headers.get("content-type", FORM).partition(";")[0].strip().lower()
    if kind != FORM:
        raise GeoError(400, f"content-type: {FORM} is needed")
    try:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=100)
    except (UnicodeDecodeError, ValueError) as error:
        raise GeoError(400, "the body is no form in UTF-8") from error
    return {name: value.replace("\0", "") for name, value in pairs}


async def _principal(centre: Centre, key: str) -> Principal:
    found = await centre.passes.of_token(key) if key else None
    if found is None or Action.REPORT_CASES not in found.actions:
        raise GeoError(403, "api_key is missing or invalid: it is a token with the scope report_cases")
    return found.principal


async def _service(centre: Centre, code: str) -> Row:
    rows = await centre.database.fetch("class_list", {"public": True})
    found = next((row for row in rows if row["code"] == code), None)
    if found is None:
        raise GeoError(404, "there is no service of this service_code")
    return found


def _jurisdiction(centre: Centre, asked: str | None) -> None:
    if asked and asked != centre.settings.site.name:
        raise GeoError(404, "there is no such jurisdiction_id here")
