"""`GET /assets/{file}`: the stylesheet, the script and the icon of the pages, to be kept for good."""

from typing import Any

from chalice import Blueprint, Response

from chalicelib.portal.rendering import ASSETS, asset_names

bp = Blueprint(__name__)

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_YEAR_S = 31_536_000


@bp.route("/assets/{file}", methods=["GET"], content_types=["*/*"])
def asset(file: str) -> Response:
    """The asset under its present name. Another name is that of an older version, and not to be kept."""
    found = next((path for path, served in asset_names().items() if served == file), None)
    headers: dict[str, Any] = {
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if found is None:
        return Response(b"", headers | {"Cache-Control": "no-store", "Content-Type": "text/plain"}, 404)
    path = ASSETS / found
    headers |= {"Content-Type": _TYPES[path.suffix], "Cache-Control": f"public, max-age={_YEAR_S}, immutable"}
    return Response(path.read_bytes(), headers, 200)
