"""Applying to a program, and deciding on applications: an approval makes the partner, and enrols it.

The form says the same to everybody: whether an address is known, or applied before, shows nowhere. An address
has one application a program; told again while it waits, it is the newer one that counts.
"""

from dataclasses import replace
from datetime import datetime

from chalicelib.domain import ids
from chalicelib.domain.application import Application, Decision
from chalicelib.domain.errors import Conflict, Invalid, NotFound, Refused
from chalicelib.domain.link import check_text
from chalicelib.domain.partner import Partner, fold_email
from chalicelib.domain.program import Program
from chalicelib.domain.review import check_email
from chalicelib.services import mails, partners, throttling
from chalicelib.storage.stores import Stores

MOST_FROM_ONE_PLACE = 10
"""Applications that may come from one place in an hour."""


def apply(stores: Stores, application: Application, source: str) -> None:
    """Take an application.

    Raises:
        Refused: with every `name_invalid`, `email_invalid`, `site_invalid`, `note_invalid`.
        RateLimited: `too_many_attempts`, from this source.
    """
    _check(application)
    throttling.note(
        stores, "application", source, application.email, MOST_FROM_ONE_PLACE, application.told_at
    )
    told = replace(application, id=id_of(application.program, application.email))
    known = stores.applications.find(told.program, told.id)
    if known is None or known.decision is Decision.WAITING:
        stores.applications.put(told)


def id_of(program: str, email: str) -> str:
    """The id of the one application that an address has in a program."""
    return ids.derive("apl", program, fold_email(email))


def approve(stores: Stores, program: Program, application_id: str, now: datetime) -> Application:
    """Make the applicant a partner of the program, and have it told; again, it changes nothing.

    A partner that is there under the same address, and was brought in by this program, is enrolled instead of
    made anew.

    Raises:
        NotFound: `application_unknown`.
        Conflict: `application_decided`, otherwise.
    """
    found = get(stores, program, application_id)
    if found.decision is Decision.DECLINED:
        raise _decided()
    if found.decision is Decision.APPROVED:
        return found
    partner = _partner(stores, program, found, now)
    partners.enroll(stores, program.id, partner.id, now)
    approved = replace(found, decision=Decision.APPROVED, partner=partner.id)
    if not stores.applications.decide(approved):
        raise _decided()
    mails.announce_approval(stores, program.id, partner.id)
    return approved


def decline(stores: Stores, program: Program, application_id: str) -> Application:
    """Decline the application; again, it changes nothing.

    Raises:
        NotFound: `application_unknown`.
        Conflict: `application_decided`, otherwise.
    """
    found = get(stores, program, application_id)
    declined = replace(found, decision=Decision.DECLINED)
    if found.decision is Decision.APPROVED:
        raise _decided()
    if found.decision is Decision.WAITING and not stores.applications.decide(declined):
        raise _decided()
    return declined


def get(stores: Stores, program: Program, application_id: str) -> Application:
    """The application.

    Raises:
        NotFound: `application_unknown`.
    """
    found = stores.applications.find(program.id, application_id)
    if found is None:
        raise NotFound("application_unknown", "there is no such application", "application")
    return found


def _partner(stores: Stores, program: Program, found: Application, now: datetime) -> Partner:
    """The partner that the application makes; its id is derived, so that trying again makes no second one."""
    own = [one for one in stores.catalogue.partners_with(found.email) if one.owner == program.id]
    if own:
        return own[0]
    wanted = Partner(ids.derive("ptn", found.id), found.name, found.email, now, program.id)
    made, _ = partners.create(stores, wanted)
    return made


def _check(application: Application) -> None:
    problems: list[Invalid] = []
    if not application.name or len(application.name) > 100 or not application.name.isprintable():
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
