"""Signing in and out: by password, by link, by an identity provider; and who one is."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from command import bodies
from command.answers import Json, documented
from command.centre import Centre
from command.faults import ApiError
from command.people import LinkBody, MeView, SignInBody, WaysView
from command.principal import Principal, SignedIn
from command.shared import Shared
from command.trust import gatekeeper, oidc
from command.trust.doors import public
from command.trust.passes import Pass, Passes
from command.trust.signin import Begun

router = APIRouter(tags=["session"])

OIDC_COOKIE = "citybrain_oidc"
OIDC_PATH = "/api/v1/session/oidc"


@router.get(
    "/session/ways", dependencies=[public], responses=documented(WaysView, "The ways in.", public=True)
)
async def ways(request: Request, centre: Shared) -> Response:
    """How one can sign in at this site, and whether one is."""
    settings = centre.settings
    is_in = request.state.principal is not None
    oidc_ = bool(settings.oidc.issuer)
    return Json(WaysView(site=settings.site.name, signed_in=is_in, password=True, oidc=oidc_))


@router.post(
    "/session",
    dependencies=[public],
    responses=documented(MeView, "Signed in; the cookie is set.", 401, 403, 413, 429, 503, public=True),
    openapi_extra=bodies.described(SignInBody),
)
async def sign_in(request: Request, centre: Shared) -> Response:
    """Sign in by name and password, with a code where the account wants one."""
    _slowly(request, centre)
    body = await bodies.read(request, SignInBody)
    begun = await centre.sign_in.by_password(body.name, body.password, body.code)
    return await _welcome(request, centre, begun)


@router.post(
    "/session/link",
    dependencies=[public],
    responses=documented(MeView, "Signed in; the cookie is set.", 401, 403, 413, 429, 503, public=True),
    openapi_extra=bodies.described(LinkBody),
)
async def by_link(request: Request, centre: Shared) -> Response:
    """Sign in by a one-time link, which is used up by this."""
    _slowly(request, centre)
    body = await bodies.read(request, LinkBody)
    return await _welcome(request, centre, await centre.sign_in.by_link(body.token))


@router.delete("/session", status_code=204, responses=documented(None, "Signed out.", 503, status=204))
async def sign_out(request: Request, centre: Shared, principal: SignedIn) -> Response:
    """End this session; its streams end too."""
    held: Pass = request.state.pass_
    if held.kind == "session":
        await centre.sign_in.end(principal, held.key)
        centre.passes.forget(held.key)
    answer = Response(status_code=204)
    answer.delete_cookie(gatekeeper.cookie_name(secure=is_secure(request, centre)), path="/")
    return answer


@router.get("/me", responses=documented(MeView, "The account in use.", 503))
async def me(request: Request, centre: Shared, principal: SignedIn) -> Response:
    """Who is signed in, what they may do, and the token that changes need."""
    return Json(await view_of(centre, principal, request.state.pass_))


@router.get(
    "/session/oidc",
    dependencies=[public],
    response_class=Response,
    status_code=303,
    responses=documented(None, "To the identity provider.", 404, 503, status=303, public=True),
)
async def to_provider(request: Request, centre: Shared) -> Response:
    """Sign in at the identity provider."""
    provider = _provider(centre)
    attempt = oidc.Attempt.new(_callback(request, centre))
    answer = RedirectResponse(await provider.address(attempt), 303)
    sealed = centre.seal(attempt.text()).decode()
    # Lax: the provider's redirect is a navigation from another site.
    answer.set_cookie(
        OIDC_COOKIE, sealed, max_age=oidc.ATTEMPT_S, path=OIDC_PATH, httponly=True, samesite="lax",
        secure=is_secure(request, centre),
    )  # fmt: skip
    return answer


@router.get(
    "/session/oidc/callback",
    dependencies=[public],
    response_class=Response,
    status_code=303,
    responses=documented(None, "Signed in; to the map.", 401, 404, 503, status=303, public=True),
)
async def from_provider(
    request: Request,
    centre: Shared,
    code: Annotated[str, Query(max_length=4_000)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Where the identity provider sends the browser back to."""
    provider = _provider(centre)
    attempt = oidc.Attempt.read(centre.unseal_or_none(request.cookies.get(OIDC_COOKIE, "")))
    if attempt is None or attempt.state != state or not code:
        raise ApiError(401, "the identity provider's answer belongs to no sign-in from here; sign in again")
    told = await provider.redeem(attempt, code)
    async with centre.database.transaction() as connection:
        principal = await oidc.account_of(connection, centre.settings.oidc, told)
        begun = await centre.sign_in.begin(connection, principal, "oidc")
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(OIDC_COOKIE, path=OIDC_PATH)
    _set_cookie(answer, request, centre, begun)
    return answer


async def view_of(centre: Centre, principal: Principal, held: Pass) -> MeView:
    """What is told of the account in use."""
    row = await centre.account_row(principal.id) if held.kind != "kiosk" else None
    return MeView(
        id=principal.id,
        name=principal.name,
        roles=sorted(principal.roles),
        districts=sorted(principal.districts),
        department=principal.department,
        actions=sorted(held.actions),
        by=held.kind,
        csrf=held.csrf,
        ends_at=held.ends_at,
        totp=bool(row and row["totp_sealed"]),
        local=bool(row and row["password_hash"]),
    )


def is_secure(request: Request, centre: Centre) -> bool:
    """Whether the browser reaches this server by https."""
    public_url = centre.settings.trust.public_url
    return public_url.startswith("https:") if public_url else request.url.scheme == "https"


def _callback(request: Request, centre: Centre) -> str:
    base = centre.settings.trust.public_url or f"{request.url.scheme}://{request.url.netloc}"
    return f"{base.rstrip('/')}{OIDC_PATH}/callback"


def _provider(centre: Centre) -> oidc.Provider:
    if centre.provider is None:
        raise ApiError(404, "no identity provider is set up; see oidc.issuer")
    return centre.provider


def _slowly(request: Request, centre: Centre) -> None:
    wait_s = centre.sign_in_rates.wait_s(gatekeeper.address_of(request.scope))
    if wait_s > 0:
        raise ApiError(429, f"too many attempts; try again in {int(wait_s) + 1} s")


def _set_cookie(answer: Response, request: Request, centre: Centre, begun: Begun) -> None:
    secure = is_secure(request, centre)
    answer.set_cookie(
        gatekeeper.cookie_name(secure=secure), begun.secret, expires=begun.ends_at, path="/", httponly=True,
        samesite="strict", secure=secure,
    )  # fmt: skip


async def _welcome(request: Request, centre: Centre, begun: Begun) -> Response:
    passes: Passes = centre.passes
    held = await passes.of_session(begun.secret, is_use=False)
    if held is None:
        raise ApiError(401, "the account was shut out at this moment")
    answer = Json(await view_of(centre, begun.principal, held))
    _set_cookie(answer, request, centre, begun)
    return answer
