"""Putting the grid, components, classes and workers in place; each change in the audit."""

from collections.abc import Collection, Iterable
from uuid import UUID

import msgspec

from citybrain.errors import ConfigError
from citybrain.fields import LonLat
from command.cases.classes import CaseClass
from command.cases.codes import Cell, component_code
from command.database import act
from command.principal import Principal, record
from command.trust.accounts import Connection


async def put_classes(
    connection: Connection, by: Principal, classes: Iterable[CaseClass], *, retires: bool = False
) -> int:
    """Classes, new or changed; with `retires` those that are not among them go out of use."""
    codes = []
    for one in classes:
        await act(connection, "class_put", msgspec.to_builtins(one))
        codes.append(one.code)
    gone = await act(connection, "class_retire", {"codes": codes}) if retires else []
    await record(connection, by, "classes.put", "classes", {"classes": len(codes), "retired": len(gone)})
    return len(codes)


async def put_cells(connection: Connection, by: Principal, cells: Iterable[Cell]) -> int:
    """Cells of the unit grid, new or moved."""
    number = 0
    for cell in cells:
        await act(connection, "cell_put", msgspec.to_builtins(cell))
        number += 1
    await record(connection, by, "grid.put", "grid", {"cells": number})
    return number


async def bind(  # noqa: PLR0917 - what binds what, in order
    connection: Connection, by: Principal, grid: str, prefix: str, worker: UUID | None, name: str = ""
) -> int:
    """The cells whose code begins with `prefix` are this grid; ConfigError where there are none."""
    await act(connection, "responsibility_put", {"code": grid, "name": name, "worker": worker})
    bound = await act(connection, "cells_bind", {"grid": grid, "prefix": prefix})
    if not bound:
        raise ConfigError(f"no cell's code begins with {prefix}; see `citybrain cases grid list`")
    details = {"prefix": prefix, "cells": len(bound), "worker": str(worker) if worker else None}
    await record(connection, by, "grid.bound", f"grid/{grid}", details)
    return len(bound)


async def put_territory(connection: Connection, by: Principal, prefix: str, department: str) -> None:
    """The department of all cells whose code begins so."""
    await act(connection, "territory_put", {"prefix": prefix, "department": department})
    await record(connection, by, "territory.put", f"territory/{prefix}", {"department": department})


async def put_worker(connection: Connection, by: Principal, account: UUID, skills: Collection[str]) -> None:
    """Somebody who can be sent, with skills."""
    await act(connection, "worker_put", {"account": account, "skills": sorted(set(skills))})
    await record(connection, by, "worker.put", f"account/{account}", {"skills": sorted(set(skills))})


async def add_component(
    connection: Connection,
    by: Principal,
    county: str,
    class_: str,
    place: LonLat,
    *,
    name: str = "",
    owner: str = "",
) -> str:
    """A new component under the next code of its class; ConfigError where there is no such class."""
    if not await act(connection, "class_find", {"code": class_}):
        raise ConfigError(f"class: there is no class {class_}")
    (last,) = await act(connection, "component_count", {"prefix": f"{county}{class_[1:]}"})
    code = component_code(county, class_, last["last"] + 1)
    values = {"code": code, "class": class_, "name": name, "owner": owner, "lon": place[0], "lat": place[1]}
    await act(connection, "component_put", values)
    await record(connection, by, "component.put", f"component/{code}", {"class": class_})
    return code
