"""`/v1/keys` and `/v1/programs/{program}/secrets`: what callers authenticate with."""

from typing import Any

from chalice import Blueprint

from chalicelib.domain.credentials import ApiKey, Scope, SigningSecret
from chalicelib.domain.period import format_instant
from chalicelib.routes import paging
from chalicelib.routes.endpoint import Body, Call, View, endpoint
from chalicelib.services import keys

bp = Blueprint(__name__)


class NewKey(Body):
    """One scope, and what it is bound to: a merchant to a program, a partner to a partner."""

    scopes: list[Scope]
    program: str | None = None
    partner: str | None = None


class KeyView(View):
    """A key, without the key itself."""

    id: str
    scopes: list[Scope]
    program: str | None
    partner: str | None
    created_at: str
    expires_at: str | None
    used_on: str | None
    replaces: str | None


class NewKeyView(KeyView):
    """A key; `key` is shown this once."""

    key: str


class Rotation(Body):
    """How long the old key goes on, in hours; 24 unless it is said."""

    overlap_hours: int | None = None


class RotatedView(NewKeyView):
    """The successor, shown this once; the key that it replaces verifies until `old_expires_at`."""

    old_expires_at: str


class NewSecret(Body):
    """Nothing is to be said about a new signing secret."""


class SecretView(View):
    """A signing secret, without the secret itself."""

    id: str
    program: str
    created_at: str


class NewSecretView(SecretView):
    """A signing secret; `secret` is shown this once."""

    secret: str


@bp.route("/v1/keys", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewKey, returns=NewKeyView, status=201, scopes={Scope.ADMIN})
def create_key(call: Call[NewKey]) -> NewKeyView:
    """Create an API key; it is shown this once."""
    body = call.body
    key, text = keys.create(call.stores, frozenset(body.scopes), body.program, body.partner, call.now)
    return NewKeyView(**_attributes(key), key=text)


@bp.route("/v1/keys", methods=["GET"], content_types=["*/*"])
@endpoint(returns=paging.Listing[KeyView], scopes={Scope.ADMIN}, query=paging.QUERY)
def list_keys(call: Call[None]) -> paging.Listing[KeyView]:
    """List the API keys."""
    limit, start = paging.wanted(call)
    found, next_key = call.stores.credentials.keys_page(limit, start)
    return paging.listing(call, [KeyView(**_attributes(key)) for key in found], next_key)


@bp.route("/v1/keys/{key}/rotate", methods=["POST"], content_types=["*/*"])
@endpoint(body=Rotation, returns=RotatedView, status=201, scopes={Scope.ADMIN})
def rotate_key(call: Call[Rotation]) -> RotatedView:
    """Replace an API key; the old one goes on for a while, so that nothing stands still meanwhile."""
    hours = 24 if call.body.overlap_hours is None else call.body.overlap_hours
    key, text, ends_at = keys.rotate(call.stores, call.path["key"], hours, call.now)
    return RotatedView(**_attributes(key), key=text, old_expires_at=format_instant(ends_at))


@bp.route("/v1/keys/{key}", methods=["DELETE"], content_types=["*/*"])
@endpoint(status=204, scopes={Scope.ADMIN})
def delete_key(call: Call[None]) -> None:
    """Withdraw an API key, at once."""
    keys.withdraw(call.stores, call.path["key"])


@bp.route("/v1/programs/{program}/secrets", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewSecret, returns=NewSecretView, status=201, scopes={Scope.ADMIN, Scope.MERCHANT})
def create_secret(call: Call[NewSecret]) -> NewSecretView:
    """Create a webhook signing secret; it is shown this once, and two may be live."""
    call.caller.require_program(call.path["program"])
    secret = keys.create_secret(call.stores, call.path["program"], call.now)
    return NewSecretView(
        id=secret.id,
        program=secret.program,
        created_at=format_instant(secret.created_at),
        secret=secret.secret,
    )


@bp.route("/v1/programs/{program}/secrets", methods=["GET"], content_types=["*/*"])
@endpoint(returns=paging.Listing[SecretView], scopes={Scope.ADMIN, Scope.MERCHANT}, query=paging.QUERY)
def list_secrets(call: Call[None]) -> paging.Listing[SecretView]:
    """List the live signing secrets, at most two."""
    call.caller.require_program(call.path["program"])
    program = call.stores.catalogue.program(call.path["program"])
    paging.wanted(call)
    found = call.stores.credentials.secrets_of(program.id)
    return paging.listing(call, [_secret_view(secret) for secret in found], None)


@bp.route("/v1/programs/{program}/secrets/{secret}", methods=["DELETE"], content_types=["*/*"])
@endpoint(status=204, scopes={Scope.ADMIN, Scope.MERCHANT})
def delete_secret(call: Call[None]) -> None:
    """Withdraw a signing secret, at once."""
    call.caller.require_program(call.path["program"])
    call.stores.catalogue.program(call.path["program"])
    keys.withdraw_secret(call.stores, call.path["program"], call.path["secret"])


def _attributes(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "scopes": sorted(key.scopes),
        "program": key.program,
        "partner": key.partner,
        "created_at": format_instant(key.created_at),
        "expires_at": format_instant(key.expires_at) if key.expires_at else None,
        "used_on": key.used_on.isoformat() if key.used_on else None,
        "replaces": key.replaces,
    }


def _secret_view(secret: SigningSecret) -> SecretView:
    return SecretView(id=secret.id, program=secret.program, created_at=format_instant(secret.created_at))
