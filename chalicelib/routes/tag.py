"""`/tag.js`: the tag that a shop embeds."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from chalice import Blueprint, Response

bp = Blueprint(__name__)

_FILE = Path(__file__).parent.parent / "static" / "tag.js"


@bp.route("/tag.js", methods=["GET"], content_types=["*/*"])
def tag() -> Response:
    """The script, cacheable for an hour and then by its ETag."""
    script, etag = _script()
    headers: dict[str, Any] = {
        "Content-Type": "text/javascript; charset=utf-8",
        "Cache-Control": "public, max-age=3600, stale-while-revalidate=86400",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    known = {
        text.strip().removeprefix("W/")
        for text in bp.current_request.headers.get("if-none-match", "").split(",")
    }
    if etag in known:
        return Response(body=b"", status_code=304, headers=headers)
    return Response(body=script, status_code=200, headers=headers)


@lru_cache(maxsize=1)
def _script() -> tuple[bytes, str]:
    script = _FILE.read_bytes()
    return script, f'"{hashlib.sha256(script).hexdigest()[:32]}"'
