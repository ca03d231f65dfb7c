"""The program's rules in words, as they are now and as they were; and the partner's promo codes."""

from collections.abc import Iterator

from chalice import Blueprint

from chalicelib.domain import terms_text
from chalicelib.domain.partner import Coupon
from chalicelib.domain.program import Program
from chalicelib.domain.session import Area
from chalicelib.domain.terms import in_force
from chalicelib.portal.enrolled import program_of, shown
from chalicelib.portal.page import Shown, Visit, page

bp = Blueprint(__name__)

_PAGE = 200


@bp.route("/portal/programs/{program}/rules", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL)
def rules(visit: Visit) -> Shown:
    """What earns what, generated from the terms themselves, and what each version changed."""
    program = program_of(visit)
    versions = [terms_text.seen_by(t, visit.partner) for t in visit.stores.catalogue.terms(program.id)]
    current = in_force(versions, visit.now)
    values = {
        "current": current,
        "sections": terms_text.sections(current, program.currency) if current else [],
        "differences": terms_text.differences(versions, program.currency),
        "first": versions[0] if versions else None,
        "minimums": visit.stores.payouts.settings(program.id).minimums,
    }
    return shown(program, "rules.html", values)


@bp.route("/portal/programs/{program}/coupons", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL)
def coupons(visit: Visit) -> Shown:
    """The partner's promo codes, and whether each counts now."""
    program = program_of(visit)
    found = [coupon for coupon in _coupons(visit, program) if coupon.partner == visit.partner]
    return shown(program, "coupons.html", {"coupons": [(one, _state(visit, one)) for one in found]})


def _coupons(visit: Visit, program: Program) -> Iterator[Coupon]:
    start = None
    while True:
        found, start = visit.stores.catalogue.coupons_page(program.id, _PAGE, start)
        yield from found
        if start is None:
            return


def _state(visit: Visit, coupon: Coupon) -> str:
    if coupon.ends_at is not None and coupon.ends_at <= visit.now:
        return "ended"
    if coupon.starts_at is not None and coupon.starts_at > visit.now:
        return "waiting"
    return "active"
