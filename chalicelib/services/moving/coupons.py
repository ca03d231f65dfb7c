"""Promo codes of an import."""

from chalicelib.domain.errors import Conflict
from chalicelib.domain.moving import Told
from chalicelib.domain.partner import Coupon, fold_coupon
from chalicelib.domain.review import refuse, review_coupon
from chalicelib.services import coupons
from chalicelib.services.moving.desk import Desk, Standing, Step, elsewhere
from chalicelib.storage.imports import Made


def wanted(desk: Desk, told: Told) -> Step | None:
    """The promo code that the row tells."""
    if not told.coupon:
        return None
    return Step(fold_coupon(told.coupon), desk.people.id_of(told), told)


def look(desk: Desk, step: Step) -> Standing:
    """Whether the partner has this code.

    Raises:
        Refused: `coupon_invalid`, `max_uses_invalid`.
        Conflict: `coupon_taken`, `coupon_ended`.
    """
    refuse(review_coupon(_coupon(desk, step)))
    found = desk.stores.catalogue.find_coupon(desk.program.id, step.name)
    if found is None:
        return Standing.MADE
    if found.partner != step.partner:
        raise elsewhere("coupon", "coupon_taken")
    if found.ends_at is None or found.ends_at > desk.now:
        return Standing.THERE
    if desk.was_undone("coupon", step.name):
        return Standing.MADE
    raise Conflict("coupon_ended", "this promo code has ended here", "coupon")


def make(desk: Desk, step: Step) -> None:
    """The promo code; one that an undo of this import ended begins again."""
    found, created = coupons.create(desk.stores, _coupon(desk, step), desk.now)
    if not created and found.ends_at is not None:
        coupons.change(desk.stores, desk.program.id, found.code, {"ends_at": None}, desk.now)


def undo(desk: Desk, made: Made) -> str:
    """End the promo code."""
    if desk.stores.catalogue.find_coupon(desk.program.id, made.name) is not None:
        coupons.end(desk.stores, desk.program.id, made.name, desk.now)
    return ""


def _coupon(desk: Desk, step: Step) -> Coupon:
    told = step.told
    return Coupon(desk.program.id, step.partner, told.coupon.strip(), desk.now, max_uses=told.max_uses)
