"""Partners, and their enrolment in programs, which gives them their first link."""

import secrets
from datetime import datetime

from chalicelib.domain import ids
from chalicelib.domain.credentials import partner_unknown
from chalicelib.domain.errors import Conflict
from chalicelib.domain.link import Link
from chalicelib.domain.partner import Enrollment, Partner
from chalicelib.domain.review import refuse, review_partner
from chalicelib.services import fraud, links
from chalicelib.storage.stores import Stores


def new_id() -> str:
    """An id for a partner that was given none: `ptn_` and 16 base32 characters."""
    return ids.from_bytes("ptn", secrets.token_bytes(10))


def create(stores: Stores, partner: Partner) -> tuple[Partner, bool]:
    """The partner as it is stored, and whether this call created it.

    Raises:
        Refused: with everything that is wrong with it.
        Conflict: `partner_exists`, with other details or another owner.
    """
    refuse(review_partner(partner))
    if stores.catalogue.add_partner_once(partner):
        return partner, True
    kept = stores.catalogue.partner(partner.id)
    if (kept.name, kept.email, kept.owner) != (partner.name, partner.email, partner.owner):
        raise Conflict("partner_exists", "there is a partner with this id and other details", "id")
    return kept, False


def enroll(stores: Stores, program_id: str, partner_id: str, now: datetime) -> tuple[Enrollment, Link, bool]:
    """The partner's enrolment, its default link, and whether this call enrolled it.

    Raises:
        NotFound: `program_unknown`, `partner_unknown`.
        Conflict: `partner_erased`.
        Invalid: `enrollment_refused`, by a fraud rule that rejects.
    """
    program = stores.catalogue.program(program_id)
    partner = stores.catalogue.partner(partner_id)
    kept = stores.catalogue.find_enrollment(program.id, partner.id)
    if kept is not None:
        return kept, default_link(stores, kept), False
    partner.check_present()
    found = fraud.check_enrollment(stores, program, partner, now)
    fraud.keep(stores, found)
    link = links.create(stores, program, partner.id, now=now)
    enrollment = Enrollment(program.id, partner.id, link.code, now)
    if stores.catalogue.add_enrollment_once(enrollment):
        return enrollment, link, True
    kept = stores.catalogue.find_enrollment(program.id, partner.id)
    if kept is None or kept == enrollment:
        return enrollment, link, True
    links.delete(stores, link, now)
    return kept, default_link(stores, kept), False


def check_visible(stores: Stores, partner: Partner, program_id: str) -> None:
    """Let a merchant on who brought the partner in, or whose program it is enrolled in.

    Raises:
        NotFound: `partner_unknown`, exactly as for a partner that does not exist.
    """
    if partner.owner != program_id and stores.catalogue.find_enrollment(program_id, partner.id) is None:
        raise partner_unknown()


def default_link(stores: Stores, enrollment: Enrollment) -> Link:
    """The link that enrolling made, even if it was deleted since.

    Raises:
        NotFound: `link_unknown`.
    """
    link = stores.links.find(enrollment.link_code)
    if link is None:
        raise links.link_unknown()
    return link
