"""Direct links: clicks that no redirect saw, told by the tag on the merchant's own site (`?ref=anna`)."""

from dataclasses import replace

from chalicelib import observe
from chalicelib.domain import codes, token
from chalicelib.domain.click import Click
from chalicelib.domain.link import Link
from chalicelib.domain.program import Program
from chalicelib.domain.screening import DIRECT_RULES, Hit, screen
from chalicelib.services import keeping
from chalicelib.services.clicks import Query, build_click, identify
from chalicelib.services.targets import offer_of
from chalicelib.storage.stores import Stores


def record(
    stores: Stores, program: Program, ref: str, query: Query, hit: Hit, known: str | None = None
) -> Click | None:
    """The click of a direct link on the merchant's own site (`?ref=`), kept; None where nobody is meant.

    Args:
        ref: a link's code or a partner's id.
        query: of the page, for sub-ids and `ll_consent`.
        hit: the tag's request: who sent it is screened, and whether its page is one that a person looks at.
        known: a click token that this browser has already, whose journey goes on.

    Raises:
        Unavailable: storage does not answer.
    """
    link = _meant(stores, program, ref)
    if link is None:
        return None
    ruling = screen(hit, link, DIRECT_RULES)
    observe.count(f"direct_{ruling.verdict}")
    identity = identify(stores, program, query, hit, ruling)
    earlier = token.read(known, stores.secrets.token_keys) if known and identity.signed_with else None
    if earlier:
        identity = replace(identity, visitor=earlier.visitor)
    click = build_click(stores, program, link, query, hit, ruling, identity, followed=False)
    click = replace(click, flags=(*click.flags, "direct"))
    keeping.keep(stores, click, hit.at + offer_of(stores, program.id).kept_for)
    return click


def _meant(stores: Stores, program: Program, ref: str) -> Link | None:
    code = codes.fold(ref.strip())
    if code is None:
        return None
    link = stores.links.find(code)
    if link is not None and link.program == program.id:
        return link
    enrollment = stores.catalogue.find_enrollment(program.id, code)
    return stores.links.find(enrollment.link_code) if enrollment else None
