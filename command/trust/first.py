"""The first start: one account a role, each with a password that is told this once."""

from citybrain.config import Settings
from command.database import act
from command.principal import Role
from command.trust import accounts, direct
from command.trust.accounts import Connection, Made
from command.trust.audit import SYSTEM
from command.trust.signin import link_for

ABOUT = "One account a role was made. These passwords are shown this once and kept nowhere:"


def create(settings: Settings) -> list[Made]:
    """The accounts just made; none where there is any account already.

    Raises:
        ConfigError: the database has no schema.
        Unavailable: the database does not answer.
    """
    return direct.run(settings, _create)


def told(made: list[Made]) -> list[str]:
    """Lines for a terminal; nothing else may keep them."""
    if not made:
        return []
    width = max(len(one.name) for one in made)
    return ["", ABOUT, *(f"  {one.name:<{width}}  {one.password}" for one in made), ""]


def link(settings: Settings, name: str = Role.OPERATOR) -> str:
    """The address of the map that signs in once as account `name`; ConfigError where there is none."""

    async def make(connection: Connection) -> str:
        row = await accounts.by_name(connection, name)
        return await link_for(connection, SYSTEM, row["id"])

    return f"{address(settings)}/#enter={direct.run(settings, make)}"


def address(settings: Settings) -> str:
    """Where browsers reach the command centre."""
    own = f"http://{settings.command.host}:{settings.command.port}"
    return settings.trust.public_url.rstrip("/") or own


async def _create(connection: Connection) -> list[Made]:
    (found,) = await act(connection, "account_any")
    if found["any"]:
        return []
    return [await accounts.add(connection, SYSTEM, role.value, [role]) for role in Role]
