"""The front end: the built files of command/web/dist, or one page that says how to build them."""

import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

HASHED = re.compile(r"assets/.+-[A-Za-z0-9_-]{8}\.[a-z0-9]+")
"""What the bundler named by its content."""

NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>City Brain: the front end is not built</title>
<h1>The front end is not built yet</h1>
<p>The API works: see its <a href="/healthz">health</a> and <a href="/api/v1/openapi.json">description</a>.
For the map, run this once and load this page again:</p>
<pre>citybrain web build</pre>
</html>
"""


class WebFiles(StaticFiles):
    """Files of `dist`, which may be built while the server runs; hashed assets are cached for good."""

    def __init__(self, dist: Path) -> None:
        super().__init__(directory=dist, html=True, check_dir=False)
        self._dist = dist

    async def check_config(self) -> None:
        """Nothing: the folder may come and go."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if path == "." and not (self._dist / "index.html").is_file():
            return HTMLResponse(NOT_BUILT, 503, {"cache-control": "no-store", "retry-after": "10"})
        if not self._dist.is_dir():
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        is_hashed = bool(HASHED.fullmatch(path)) and response.status_code in {200, 206, 304}
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if is_hashed else "no-cache"
        return response
