"""`/v1/coupons`: promo codes."""

from datetime import datetime

from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.domain.errors import Invalid
from chalicelib.domain.partner import Coupon
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.routes import paging, whose
from chalicelib.routes.endpoint import Body, Call, Reply, View, endpoint
from chalicelib.services import coupons

bp = Blueprint(__name__)


class NewCoupon(Body):
    """A promo code of a partner; unique in the program whatever its case and width (NFKC)."""

    program: str
    partner: str
    code: str
    starts_at: str | None = None
    ends_at: str | None = None
    max_uses: int | None = None


class CouponChange(Body):
    """When a promo code counts, and how often. What is left out stays; empty text or 0 takes a bound away."""

    program: str
    code: str
    starts_at: str | None = None
    ends_at: str | None = None
    max_uses: int | None = None


class CouponView(View):
    """A promo code; it counts for the first `max_uses` orders that occurred from `starts_at` until before
    `ends_at`."""

    program: str
    partner: str
    code: str
    created_at: str
    starts_at: str | None
    ends_at: str | None
    max_uses: int | None


@bp.route("/v1/coupons", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewCoupon, returns=CouponView, status=201, scopes={Scope.ADMIN, Scope.MERCHANT})
def create_coupon(call: Call[NewCoupon]) -> Reply[CouponView]:
    """Give a partner a promo code; again for the same partner, it answers 200 with the one that is there."""
    call.caller.require_program(call.body.program)
    body = call.body
    bounds = _window(body)
    wanted = Coupon(body.program, body.partner, body.code.strip(), call.now, **bounds, max_uses=body.max_uses)
    coupon, created = coupons.create(call.stores, wanted, call.now)
    return Reply(_view(coupon), 201 if created else 200)


@bp.route("/v1/coupons", methods=["PATCH"], content_types=["*/*"])
@endpoint(body=CouponChange, returns=CouponView, scopes={Scope.ADMIN, Scope.MERCHANT})
def change_coupon(call: Call[CouponChange]) -> CouponView:
    """Change when and how often a promo code counts, for orders that are told from now on."""
    body = call.body
    call.caller.require_program(body.program)
    limit = {} if body.max_uses is None else {"max_uses": body.max_uses or None}
    return _view(coupons.change(call.stores, body.program, body.code, _window(body) | limit, call.now))


@bp.route("/v1/coupons", methods=["DELETE"], content_types=["*/*"])
@endpoint(scopes={Scope.ADMIN, Scope.MERCHANT}, query=("program", "code"))
def end_coupon(call: Call[None]) -> None:
    """End a promo code now; it stays its partner's, for orders of before that are told late."""
    program, code = (_required(call, name) for name in ("program", "code"))
    call.caller.require_program(program)
    coupons.end(call.stores, program, code, call.now)


@bp.route("/v1/coupons", methods=["GET"], content_types=["*/*"])
@endpoint(
    returns=paging.Listing[CouponView],
    scopes={Scope.ADMIN, Scope.MERCHANT},
    query=("program", *paging.QUERY),
)
def list_coupons(call: Call[None]) -> paging.Listing[CouponView]:
    """List the promo codes of a program; a merchant need not name its own."""
    wanted = whose.program_id(call)
    call.caller.require_program(wanted)
    program = call.stores.catalogue.program(wanted)
    limit, start = paging.wanted(call)
    found, next_key = call.stores.catalogue.coupons_page(program.id, limit, start)
    return paging.listing(call, [_view(coupon) for coupon in found], next_key)


def _required(call: Call[None], name: str) -> str:
    if name not in call.query:
        raise Invalid("field_required", f"{name} is required", name)
    return call.query[name]


def _window(body: NewCoupon | CouponChange) -> dict[str, datetime | None]:
    """The bounds that were given; empty text is none."""
    given = {"starts_at": body.starts_at, "ends_at": body.ends_at}
    return {name: parse_instant(at, name) if at else None for name, at in given.items() if at is not None}


def _view(coupon: Coupon) -> CouponView:
    return CouponView(
        program=coupon.program,
        partner=coupon.partner,
        code=coupon.code,
        created_at=format_instant(coupon.created_at),
        starts_at=format_instant(coupon.starts_at) if coupon.starts_at else None,
        ends_at=format_instant(coupon.ends_at) if coupon.ends_at else None,
        max_uses=coupon.max_uses,
    )
