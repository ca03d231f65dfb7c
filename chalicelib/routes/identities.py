"""Linking customers to devices over the API, and forgetting them."""

from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.routes.endpoint import Body, Call, View, endpoint
from chalicelib.services import identities

bp = Blueprint(__name__)


class NewIdentity(Body, frozen=True, kw_only=True):
    """A customer who was seen with this click; the id is kept only as an HMAC."""

    program: str
    customer_id: str
    click_id: str


class ForgottenIdentity(Body, frozen=True, kw_only=True):
    """Whom to forget: a device of the customer where a click names it, else all devices and orders.

    It stands in the body because addresses are logged on the way, and a customer's id is nobody's business.
    """

    program: str
    customer_id: str
    click_id: str | None = None


class IdentityView(View, frozen=True, kw_only=True):
    """The link that is kept."""

    program: str
    click_id: str


@bp.route("/v1/identities", methods=["POST"], content_types=["*/*"])
@endpoint(
    body=NewIdentity, returns=IdentityView, status=201, scopes={Scope.ADMIN, Scope.MERCHANT}, signed=True
)
def create_identity(call: Call[NewIdentity]) -> IdentityView:
    """Link a customer to the device of a click, and decide the customer's orders again."""
    call.caller.require_program(call.body.program)
    program = call.stores.catalogue.program(call.body.program)
    identities.link(call.stores, program, call.body.customer_id, call.body.click_id, call.now)
    return IdentityView(program=program.id, click_id=call.body.click_id)


@bp.route("/v1/identities", methods=["DELETE"], content_types=["*/*"])
@endpoint(body=ForgottenIdentity, scopes={Scope.ADMIN, Scope.MERCHANT}, signed=True)
def forget_identity(call: Call[ForgottenIdentity]) -> None:
    """Unlink a device from a customer, or forget which devices and orders are the customer's."""
    body = call.body
    call.caller.require_program(body.program)
    program = call.stores.catalogue.program(body.program)
    if body.click_id is not None:
        identities.unlink(call.stores, program, body.customer_id, body.click_id)
    else:
        identities.forget(call.stores, program, body.customer_id, call.now)
