"""Applying to a program, and deciding on applications: an approval makes the partner, and enrols it.

The form says the same to everybody: whether an address is known, or applied before, shows nowhere. An address
has one application a program; told again while it waits, it is the newer one that counts.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.domain import ids
from chalicelib.domain.application import Application, Decision
from chalicelib.domain.errors import Conflict, Invalid, NotFound, Refused
from chalicelib.domain.link import check_text
from chalicelib.domain.partner import Partner, fold_email
from chalicelib.domain.program import Program
from chalicelib.domain.review import check_email, refuse, review_partner
from chalicelib.services import fraud, mails, partners, throttling
from chalicelib.storage.stores import Stores

MOST_FROM_ONE_PLACE = 10
"""Applications that may come from one place in an hour."""

_READS = 20
"""Reads of one page of a list that leaves some out."""


def apply(stores: Stores, application: Application, source: str) -> None:
    """Take an application from the open form.

    Raises:
        Refused: with every `name_invalid`, `email_invalid`, `site_invalid`, `note_invalid`.
        RateLimited: `too_many_attempts`, from this source.
    """
    _check(application)
    throttling.note(
        stores, "application", source, application.email, MOST_FROM_ONE_PLACE, application.told_at
    )
    _keep(stores, application)


def take(stores: Stores, application: Application) -> tuple[Application, bool]:
    """Take an application that the merchant's own form sent; as it is kept, and whether it is new or newer.

    Raises:
        Refused: as by `apply`.
    """
    _check(application)
    return _keep(stores, application)


def id_of(program: str, email: str) -> str:
    """The id of the one application that an address has in a program."""
    return ids.derive("apl", program, fold_email(email))


def list_page(
    stores: Stores, program: Program, decision: Decision | None, limit: int, start: dict[str, Any] | None
) -> tuple[list[Application], dict[str, Any] | None]:
    """Some applications that stand so (None: all), and the key to go on from; there may be fewer."""
    found: list[Application] = []
    for _ in range(_READS):
        page, start = stores.applications.page(program.id, limit - len(found), start)
        found += [one for one in page if decision in {None, one.decision}]
        if start is None or len(found) == limit:
            break
    return found, start


def approve(stores: Stores, program: Program, application_id: str, now: datetime) -> Application:
    """Make the applicant a partner of the program, and have it told; again, it only does what is left.

    A partner that is there under the same address, and was brought in by this program, is enrolled instead of
    made anew. The decision is kept first: whoever decides otherwise at the same time finds it there.

    Raises:
        NotFound: `application_unknown`.
        Conflict: `application_decided`, otherwise.
        Invalid: `enrollment_refused`, by a fraud rule that rejects.
    """
    found = get(stores, program, application_id)
    if found.decision is Decision.WAITING:
        wanted = _partner(stores, program, found, now)
        refuse(review_partner(wanted))
        fraud.check_enrollment(stores, program, wanted, now)
        found = _decide(stores, program, replace(found, decision=Decision.APPROVED, partner=wanted.id))
    if found.decision is not Decision.APPROVED:
        raise _decided()
    partner = _partner(stores, program, found, now)
    stores.catalogue.add_partner_once(partner)
    _, _, is_new = partners.enroll(stores, program.id, partner.id, now)
    if is_new:
        mails.announce_approval(stores, program.id, partner.id)
    return found


def decline(stores: Stores, program: Program, application_id: str) -> Application:
    """Decline the application; again, it changes nothing.

    Raises:
        NotFound: `application_unknown`.
        Conflict: `application_decided`, otherwise.
    """
    found = get(stores, program, application_id)
    if found.decision is Decision.WAITING:
        found = _decide(stores, program, replace(found, decision=Decision.DECLINED))
    if found.decision is not Decision.DECLINED:
        raise _decided()
    return found


def get(stores: Stores, program: Program, application_id: str) -> Application:
    """The application.

    Raises:
        NotFound: `application_unknown`.
    """
    found = stores.applications.find(program.id, application_id)
    if found is None:
        raise NotFound("application_unknown", "there is no such application", "application")
    return found


def _keep(stores: Stores, application: Application) -> tuple[Application, bool]:
    told = replace(application, id=id_of(application.program, application.email))
    if stores.applications.put_while_waiting(told):
        return told, True
    return stores.applications.find(told.program, told.id) or told, False


def _decide(stores: Stores, program: Program, decided: Application) -> Application:
    """The application as it is decided now: by this, or by whoever was first."""
    if stores.applications.decide(decided):
        return decided
    return get(stores, program, decided.id)


def _partner(stores: Stores, program: Program, found: Application, now: datetime) -> Partner:
    """The partner that the application makes; its id is derived, so that trying again makes no second one."""
    known = stores.catalogue.find_partner(found.partner) if found.partner else None
    own = [one for one in stores.catalogue.partners_with(found.email) if one.owner == program.id]
    derived = Partner(ids.derive("ptn", found.id), found.name, found.email, now, program.id)
    return known or next(iter(own), derived)


def _check(application: Application) -> None:
    problems: list[Invalid] = []
    if not application.name.strip() or len(application.name) > 100 or not application.name.isprintable():
        problems.append(Invalid("name_invalid", "a name is 1 to 100 printable characters", "name"))
    try:
        check_email(application.email)
    except Invalid as problem:
        problems.append(problem)
    try:
        check_text(application.site, "site", "site_invalid")
    except Invalid as problem:
        problems.append(problem)
    if len(application.note) > 1000 or "\x00" in application.note:
        problems.append(Invalid("note_invalid", "a note has at most 1,000 characters", "note"))
    if problems:
        raise Refused(problems)


def _decided() -> Conflict:
    return Conflict("application_decided", "the application is decided otherwise")
