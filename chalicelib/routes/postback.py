"""`/postback/{program}`: network-style postbacks, answered in text."""

from typing import Any
from urllib.parse import parse_qsl

from chalice import Blueprint, Response

from chalicelib import bootstrap, observe
from chalicelib.domain import postback as language
from chalicelib.domain.audit import Actor
from chalicelib.domain.errors import LinkledgerError, Malformed, TooLarge, UnsupportedMedia
from chalicelib.routes.credentials import counted
from chalicelib.routes.replies import SECURITY_HEADERS, retry_after_of, status_of
from chalicelib.services import postbacks
from chalicelib.storage.trail import acting

bp = Blueprint(__name__)

MAX_BODY_BYTES = 64 * 1024
_MAX_PARAMETERS = 100


@bp.route("/postback/{program}", methods=["GET", "POST"], content_types=["*/*"])
def receive_postback(program: str) -> Response:
    """Text in the caller's convention: `OK`, what `return` says, or TUNE's `success=true;`."""
    parameters: dict[str, str] = {}
    try:
        parameters = language.gather(_pairs())
        success = language.accepted(parameters)
        now = bootstrap.now()
        with acting(Actor("postback", now)):
            postbacks.receive(bootstrap.stores(), program, parameters, now)
        observe.count("postback_accepted")
        return _text(success, 200)
    except LinkledgerError as failure:
        error = counted(bp.current_request, failure)
        observe.count("postback_refused" if status_of(error) < 500 else "postback_failed")
        text = language.refused(parameters, error.code, error.message)
        return _text(text, status_of(error), retry_after_of(error))
    except Exception:
        observe.error("postback_failed")
        observe.count("postback_failed")
        return _text(language.refused(parameters, "internal", "try again"), 500)
    finally:
        observe.flush()


def _pairs() -> list[tuple[str, str]]:
    """The parameters of the query and of a form-encoded body, in that order."""
    request: Any = bp.current_request
    query: Any = request.query_params or {}
    pairs = [(name, value) for name in query for value in query.getlist(name)]
    raw: bytes = request.raw_body or b""
    if len(raw) > MAX_BODY_BYTES:
        raise TooLarge("body_too_large", f"a postback may have {MAX_BODY_BYTES} bytes")
    if request.method == "POST" and raw:
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind not in {"", "application/x-www-form-urlencoded", "text/plain"}:
            raise UnsupportedMedia("content_type_unsupported", "send application/x-www-form-urlencoded")
        pairs += _form(raw)
    if len(pairs) > _MAX_PARAMETERS:
        raise Malformed("too_many_parameters", f"a postback may have {_MAX_PARAMETERS} parameters")
    return pairs


def _form(raw: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            raw.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS
        )
    except ValueError:
        raise Malformed("form_invalid", "the body is not form-encoded UTF-8") from None


def _text(text: str, status: int, extra: dict[str, str] | None = None) -> Response:
    headers: dict[str, Any] = {
        "Content-Type": "text/plain; charset=utf-8",
        **SECURITY_HEADERS,
        **(extra or {}),
    }
    if status == 503:
        headers["Retry-After"] = "1"
    return Response(body=text.encode(), status_code=status, headers=headers)
