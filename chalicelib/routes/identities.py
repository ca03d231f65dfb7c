"""Linking a customer to a device over the API."""

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
