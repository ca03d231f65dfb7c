"""Looking at single clicks, and judging them anew."""

import re
from dataclasses import replace
from datetime import datetime

from chalicelib.domain import token
from chalicelib.domain.click import Click, Verdict
from chalicelib.domain.credentials import Caller
from chalicelib.domain.errors import Invalid, NotFound
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed

_REASON = re.compile(r"[a-z0-9_]{1,40}", re.ASCII)


def get(stores: Stores, caller: Caller, click_id: str, now: datetime) -> Click:
    """The click that the token names, where it is the caller's program's.

    Raises:
        NotFound: `click_unknown`: no token of ours, a click that is gone, or somebody else's.
    """
    parts = token.read(click_id, stores.secrets.token_keys)
    link = stores.links.find_by_id(parts.link_id) if parts else None
    if parts is None or link is None or not caller.may_touch_program(link.program):
        raise _unknown()
    click = stores.clicks.find(link.program, parts.visitor, parts.at, parts.nonce, now)
    if click is None:
        raise _unknown()
    return click


def revise(stores: Stores, click: Click, verdict: Verdict, reason: str) -> Click:
    """The click with another verdict; its counts follow from the stream.

    Raises:
        Invalid: `reason_invalid`.
        NotFound: `click_unknown`, it is gone or was changed meanwhile.
    """
    if not _REASON.fullmatch(reason):
        raise Invalid("reason_invalid", "a reason is 1 to 40 of a-z, 0-9 and _", "reason")
    if verdict is click.verdict:
        return click
    try:
        stores.clicks.revise(click, verdict, reason)
    except ConditionFailed as error:
        raise _unknown() from error
    return replace(click, verdict=verdict, reason=reason)


def _unknown() -> NotFound:
    return NotFound("click_unknown", "there is no such click", "click_id")
