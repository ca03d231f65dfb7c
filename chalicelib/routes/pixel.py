"""`/p.gif`: the conversion pixel. It answers the same picture whatever came in and whatever became of it."""

from typing import Any

from chalice import Blueprint, Response

from chalicelib import bootstrap, observe
from chalicelib.domain.errors import LinkledgerError
from chalicelib.routes.replies import SECURITY_HEADERS, source_ip_of, status_of
from chalicelib.services import browser_orders

bp = Blueprint(__name__)

GIF = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")
"""A transparent picture of one pixel: 43 bytes of GIF89a."""


@bp.route("/p.gif", methods=["GET"], content_types=["*/*"])
def pixel() -> Response:
    """The picture. What went wrong is counted and logged by its code, without any value."""
    try:
        _record()
        observe.count("pixel_accepted")
    except LinkledgerError as error:
        observe.info("pixel_refused", code=error.code)
        observe.count("pixel_refused" if status_of(error) < 500 else "pixel_failed")
    except Exception:
        observe.error("pixel_failed")
        observe.count("pixel_failed")
    finally:
        observe.flush()
    headers: dict[str, Any] = {
        "Content-Type": "image/gif",
        **SECURITY_HEADERS,
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Access-Control-Allow-Origin": "*",
    }
    return Response(body=GIF, status_code=200, headers=headers)


def _record() -> None:
    request: Any = bp.current_request
    query: Any = request.query_params or {}
    pairs = [(name, value) for name in query for value in query.getlist(name)]
    source_ip = source_ip_of(request)
    browser_orders.record_pixel(bootstrap.stores(), pairs, request.headers, source_ip, bootstrap.now())
