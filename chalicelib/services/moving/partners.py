"""Partners of an import: made and enrolled together."""

from chalicelib.domain.errors import Invalid
from chalicelib.domain.moving import Told
from chalicelib.domain.partner import Partner
from chalicelib.domain.review import refuse, review_partner
from chalicelib.services import links, partners, stats
from chalicelib.services.moving.desk import Desk, Standing, Step
from chalicelib.storage.imports import Made

_MONEY = ("coupon", "customer", "balance")


def wanted(desk: Desk, told: Told) -> Step | None:
    """Every row names its partner."""
    partner = desk.people.id_of(told)
    return Step(partner, partner, told)


def look(desk: Desk, step: Step) -> Standing:
    """Whether the partner is in the program.

    Raises:
        Invalid: `email_missing`; Refused, where address or name can't be one.
    """
    if desk.is_enrolled(step.partner):
        return Standing.THERE
    if desk.stores.catalogue.find_partner(step.partner) is None:
        refuse(review_partner(_partner(desk, step)))
    return Standing.MADE


def make(desk: Desk, step: Step) -> None:
    """The partner, its enrolment, and with it a default link."""
    if desk.stores.catalogue.find_partner(step.partner) is None:
        partners.create(desk.stores, _partner(desk, step))
    partners.enroll(desk.stores, desk.program.id, step.partner, desk.now)


def undo(desk: Desk, made: Made) -> str:
    """Take out a partner whom nothing names: neither a click nor an order, promo code, customer or entry."""
    catalogue, program = desk.stores.catalogue, desk.program
    enrollment = catalogue.find_enrollment(program.id, made.partner)
    if enrollment is None:
        return ""
    for kind in _MONEY:
        if any(
            one.partner == made.partner for one in desk.stores.imports.made(program.id, desk.import_id, kind)
        ):
            return f"a {kind} names the partner"
    counted = stats.report(desk.stores, program.id, partner=made.partner).totals
    if counted.clicks or counted.conversions:
        return "the partner has clicks or conversions"
    linked, _ = desk.stores.links.of_program(program.id, 2, partner=made.partner)
    if any(link.code != enrollment.link_code for link in linked):
        return "the partner has other links"
    default = desk.stores.links.find(enrollment.link_code)
    if default is not None:
        links.delete(desk.stores, default, desk.now)
    catalogue.remove_enrollment(enrollment)
    if not any(catalogue.enrollments_of(made.partner)):
        catalogue.remove_partner(catalogue.partner(made.partner))
    return ""


def _partner(desk: Desk, step: Step) -> Partner:
    email = desk.people.email_of(step.told)
    if not email:
        raise Invalid("email_missing", "no row tells this partner's e-mail address", "email")
    return Partner(step.partner, desk.people.name_of(step.told)[:100], email, desk.now, desk.program.id)
