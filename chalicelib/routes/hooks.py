"""`/hooks/{source}/{program}`: webhooks of carts and apps; `/v1/programs/{program}/hooks`: their secrets."""

import re
from typing import Any

from chalice import Blueprint, Response

from chalicelib import bootstrap, observe
from chalicelib.domain.audit import Actor
from chalicelib.domain.credentials import Scope
from chalicelib.domain.errors import Invalid, LinkledgerError, TooLarge, Unauthenticated
from chalicelib.routes import wire
from chalicelib.routes.credentials import counted
from chalicelib.routes.endpoint import Body, Call, View, endpoint
from chalicelib.routes.replies import error_response, internal_error, json_response, status_of
from chalicelib.services import hooks
from chalicelib.storage.trail import acting

bp = Blueprint(__name__)

MAX_BODY_BYTES = 2 * 1024 * 1024
"""An order with hundreds of lines; Shopify's largest payloads are around 1 MB."""

_PING = re.compile(rb"webhook_id=[0-9]{1,20}")
"""What WooCommerce sends, unsigned, when a webhook is saved, and wants a 200 for."""


class NewHook(Body):
    """A source (`shopify`, `woocommerce`, `stripe`, ...) and the secret with which it signs."""

    source: str
    secret: str


class HookView(View):
    """A source whose webhooks are taken, and where it sends them."""

    source: str
    url: str


class HookResult(View):
    """What became of one fact: `outcome` is a conversion's, `adjusted`, `duplicate`, `conflict` or
    `too_old`."""

    id: str
    outcome: str


class HookResults(View):
    """What became of a delivery; empty where it was about something else."""

    results: list[HookResult]


@bp.route("/v1/programs/{program}/hooks", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewHook, returns=HookView, status=201, scopes={Scope.ADMIN, Scope.MERCHANT})
def add_hook(call: Call[NewHook]) -> HookView:
    """Take webhooks that are signed with this secret; the source's secret before stays good, too."""
    program_id, source = call.path["program"], call.body.source
    call.caller.require_program(program_id)
    hooks.add_secret(call.stores, call.stores.catalogue.program(program_id), source, call.body.secret)
    return HookView(source=source, url=f"{call.stores.settings.base_url}/hooks/{source}/{program_id}")


@bp.route("/v1/programs/{program}/hooks/{source}", methods=["DELETE"], content_types=["*/*"])
@endpoint(scopes={Scope.ADMIN, Scope.MERCHANT})
def remove_hook(call: Call[Any]) -> None:
    """Refuse the source's webhooks from now on."""
    call.caller.require_program(call.path["program"])
    call.stores.catalogue.program(call.path["program"])
    call.stores.hook_secrets.remove(call.path["program"], call.path["source"])


@bp.route("/hooks/{source}/{program}", methods=["GET", "POST"], content_types=["*/*"])
def receive_hook(source: str, program: str) -> Response:
    """What became of the delivery, in JSON."""
    request: Any = bp.current_request
    raw: bytes = request.raw_body or b""
    try:
        if source == "woocommerce" and _PING.fullmatch(raw):
            return json_response(wire.encode(HookResults(results=[])), 200)
        if len(raw) > MAX_BODY_BYTES:
            raise TooLarge("body_too_large", f"a delivery may have {MAX_BODY_BYTES} bytes")
        now = bootstrap.now()
        with acting(Actor(f"hook {source}", now)):
            results = hooks.receive(
                bootstrap.stores(), source, program, request.headers, _query(request), raw, now
            )
        for result in results:
            observe.count(f"hook_{result.outcome}")
        found = [HookResult(id=result.id, outcome=result.outcome) for result in results]
        return json_response(wire.encode(HookResults(results=found)), 200)
    except LinkledgerError as error:
        observe.count("hook_refused" if status_of(error) < 500 else "hook_failed")
        if isinstance(error, Unauthenticated):
            observe.count("signature_refused")
        return error_response(counted(request, error))
    except Exception:
        observe.error("hook_failed", source=source if source in hooks.SOURCES else "unknown")
        observe.count("hook_failed")
        return internal_error()
    finally:
        observe.flush()


def _query(request: Any) -> dict[str, str]:
    given: Any = request.query_params or {}
    if any(len(given.getlist(name)) > 1 for name in given):
        raise Invalid("query_repeated", "a query parameter may be given once")
    return {name: given[name] for name in given}
