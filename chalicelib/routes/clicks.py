"""`/v1/clicks/{click_id}`: what a click was judged to be, and judging it anew."""

from typing import Literal

from chalice import Blueprint

from chalicelib.domain.click import Click, Verdict
from chalicelib.domain.credentials import Scope
from chalicelib.domain.period import format_instant
from chalicelib.routes.endpoint import Body, Call, View, endpoint
from chalicelib.services import verdicts

bp = Blueprint(__name__)


class NewVerdict(Body):
    """What the click was after all, and why: up to 40 of a-z, 0-9 and _."""

    verdict: Literal["human", "bot", "forced"]
    reason: str


class ClickView(View):
    """A click as it is kept; nothing in it says who the visitor was."""

    click_id: str
    program: str
    partner: str
    code: str
    at: str
    verdict: str
    reason: str
    channel: str
    campaign: str | None
    country: str | None
    device: str | None
    referrer: str | None
    origin: str | None
    sub: dict[str, str]
    flags: list[str]


@bp.route("/v1/clicks/{click}", methods=["GET"], content_types=["*/*"])
@endpoint(returns=ClickView, scopes={Scope.ADMIN, Scope.MERCHANT})
def get_click(call: Call[None]) -> ClickView:
    """Get a click by its token."""
    return _view(verdicts.get(call.stores, call.caller, call.path["click"], call.now))


@bp.route("/v1/clicks/{click}", methods=["PATCH"], content_types=["*/*"])
@endpoint(body=NewVerdict, returns=ClickView, scopes={Scope.ADMIN, Scope.MERCHANT})
def review_click(call: Call[NewVerdict]) -> ClickView:
    """Give a click another verdict; the counts follow. Recorded conversions keep their path."""
    click = verdicts.get(call.stores, call.caller, call.path["click"], call.now)
    verdict = Verdict(call.body.verdict)
    return _view(verdicts.revise(call.stores, click, verdict, call.body.reason))


def _view(click: Click) -> ClickView:
    return ClickView(
        click_id=click.token or "",
        program=click.program,
        partner=click.partner,
        code=click.code,
        at=format_instant(click.at),
        verdict=str(click.verdict),
        reason=click.reason,
        channel=click.channel,
        campaign=click.campaign,
        country=click.country,
        device=click.device,
        referrer=click.referrer,
        origin=click.origin,
        sub=click.sub,
        flags=list(click.flags),
    )
