"""`GET /qr/{file}`: the QR code of a link, `{code}.png` or `{code}.svg`."""

from chalice import Blueprint, Response

from chalicelib import bootstrap, observe
from chalicelib.domain.errors import LinkledgerError
from chalicelib.routes.replies import error_response, internal_error
from chalicelib.services import qr

bp = Blueprint(__name__)

_MAX_AGE_S = 86_400


@bp.route("/qr/{file}", methods=["GET"], content_types=["*/*"])
def picture(file: str) -> Response:
    """The picture. A code always has the same one, so anybody may keep it for a day."""
    query: dict[str, str] = dict(bp.current_request.query_params or {})
    try:
        body, media_type = qr.draw(bootstrap.stores(), file, qr.parse_style(query))
    except LinkledgerError as error:
        return error_response(error)
    except Exception:
        observe.error("qr_failed")
        return internal_error()
    headers = {
        "Content-Type": media_type,
        "Cache-Control": f"public, max-age={_MAX_AGE_S}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return Response(body, dict(headers), 200)
