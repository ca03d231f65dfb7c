"""Clicks whose row was lost, or never written: made again from their token, which says whose they are."""

from datetime import datetime

from chalicelib import observe
from chalicelib.domain import token
from chalicelib.domain.click import Click, Verdict, fit_subs
from chalicelib.services.targets import offer_of
from chalicelib.storage.stores import Stores


def restore(stores: Stores, token_text: str, now: datetime) -> Click | None:
    """The click that a token names, written again where its row was lost; None for what is no token of ours,
    and for a click that was erased.

    A token is only given to people, so the click is a person's. One that is over is not written.

    Raises:
        Unavailable: storage does not answer.
    """
    parts = token.read(token_text, stores.secrets.token_keys)
    link = stores.links.find_by_id(parts.link_id) if parts else None
    if parts is None or link is None:
        return None
    known = stores.clicks.find(link.program, parts.visitor, parts.at, parts.nonce, now)
    if known is not None:
        return known
    if stores.erasures.is_ended(link.program, parts.visitor, parts.at):
        return None
    click = Click(
        program=link.program,
        visitor=parts.visitor,
        at=parts.at,
        nonce=parts.nonce,
        link_id=link.id,
        code=link.code,
        partner=link.partner,
        verdict=Verdict.HUMAN,
        reason="token_restored",
        token=token_text,
        campaign=link.campaign,
        sub=fit_subs(link.sub)[0],
        flags=("restored",),
    )
    expires_at = parts.at + offer_of(stores, link.program).kept_for
    if expires_at > now and stores.clicks.put_once(click, expires_at):
        observe.count("click_restored")
    return click
