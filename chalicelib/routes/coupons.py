"""`/v1/coupons`: promo codes."""

from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.domain.errors import Invalid
from chalicelib.domain.partner import Coupon
from chalicelib.domain.period import format_instant
from chalicelib.routes import paging
from chalicelib.routes.endpoint import Body, Call, Reply, View, endpoint
from chalicelib.services import coupons

bp = Blueprint(__name__)


class NewCoupon(Body):
    """A promo code of a partner; unique in the program whatever its case and width (NFKC)."""

    program: str
    partner: str
    code: str


class CouponView(View):
    """A promo code."""

    program: str
    partner: str
    code: str
    created_at: str


@bp.route("/v1/coupons", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewCoupon, returns=CouponView, status=201, scopes={Scope.ADMIN, Scope.MERCHANT})
def create_coupon(call: Call[NewCoupon]) -> Reply[CouponView]:
    """Give a partner a promo code; again for the same partner, it answers 200."""
    call.caller.require_program(call.body.program)
    wanted = Coupon(call.body.program, call.body.partner, call.body.code.strip(), call.now)
    coupon, created = coupons.create(call.stores, wanted, call.now)
    return Reply(_view(coupon), 201 if created else 200)


@bp.route("/v1/coupons", methods=["GET"], content_types=["*/*"])
@endpoint(
    returns=paging.Listing[CouponView],
    scopes={Scope.ADMIN, Scope.MERCHANT},
    query=("program", *paging.QUERY),
)
def list_coupons(call: Call[None]) -> paging.Listing[CouponView]:
    """List the promo codes of a program; a merchant need not name its own."""
    wanted = call.query.get("program", call.caller.program)
    if wanted is None:
        raise Invalid("field_required", "program is required", "program")
    call.caller.require_program(wanted)
    program = call.stores.catalogue.program(wanted)
    limit, start = paging.wanted(call)
    found, next_key = call.stores.catalogue.coupons_page(program.id, limit, start)
    return paging.listing(call, [_view(coupon) for coupon in found], next_key)


def _view(coupon: Coupon) -> CouponView:
    return CouponView(
        program=coupon.program,
        partner=coupon.partner,
        code=coupon.code,
        created_at=format_instant(coupon.created_at),
    )
