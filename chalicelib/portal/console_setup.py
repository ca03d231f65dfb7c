"""`/console/{program}/setup`: what to paste, what each tracking method delivered last, and the doctor."""

from chalice import Blueprint

from chalicelib.domain.errors import LinkledgerError
from chalicelib.domain.program import BROWSER_METHODS, Program
from chalicelib.domain.session import Area
from chalicelib.domain.tracking_review import Hint
from chalicelib.portal.console import program_of, see, shown
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import doctor, setup, tracking_review, walking

bp = Blueprint(__name__)

WORDS = {
    Hint.NOTHING_YET: "Nothing ever came by it. Is it in place?",
    Hint.SILENT: "Nothing for seven days. Did a release of the shop lose it?",
    Hint.ALL_HELD: "All of it was held, and nothing confirmed. Tell the same orders by a server call.",
    Hint.ALL_UNATTRIBUTED: "No order found a partner. Does the click reach the place that tells the order?",
    Hint.UNSIGNED_ONLY: "Only browsers tell orders, which anybody can fake. Add a server call.",
    Hint.MOSTLY_UNSIGNED: "Browsers alone tell most orders, which anybody can fake. Add a server call.",
    Hint.NEVER_CONFIRMED: "Browsers and servers never tell the same order. Do both send the same order id?",
    Hint.COOKIES_BLOCKED: "No order carries a click, though links are clicked. Is the tag on the landing "
    "page, and may it keep a cookie? Let your server keep the click.",
    Hint.REPEATED: "Orders are told twice and more. Nothing is paid twice, but does the sender read our "
    "answer, and does the pixel stand on the confirmation page alone?",
    Hint.CONFLICTING: "Orders come again with other figures, and are refused. Are order ids used again, or "
    "is a change told as a new order? Refunds are adjustments.",
    Hint.CLOCK_AHEAD: "Most orders come with a time in the future. Set the sender's clock.",
    Hint.TIME_ZONE: "Most orders come some hours back. Is a local time sent as UTC?",
    Hint.CURRENCY_UNUSUAL: "Orders come in a currency that is not this program's usual one. Is it right?",
}
"""What each hint says on the page."""


@bp.route("/console/{program}/setup", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def review_setup(visit: Visit) -> Shown:
    """What arrived last by which method, with hints, what to paste, and the newest check-ups."""
    return _setup(visit, program_of(visit), {})


@bp.route("/console/{program}/setup", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def start_checkup(visit: Visit) -> Shown | See:
    """Let the doctor walk a test link, or open one that a person walks."""
    program, form = program_of(visit), visit.form
    try:
        found = doctor.start(
            visit.stores,
            program.id,
            visit.now,
            walks=form.get("do") != "open",
            event=form.get("event") or None,
            wanted=form.get("destination") or None,
            partner=form.get("partner") or None,
        )
    except LinkledgerError as error:
        return _setup(visit, program, problems(error), status_of(error))
    return see(program, f"setup/{found.id}")


@bp.route("/console/{program}/setup/{checkup}", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def show_checkup(visit: Visit) -> Shown:
    """One check-up, live: the page asks again by itself until every stage was looked at."""
    program = program_of(visit)
    seen = doctor.look(visit.stores, program.id, visit.path["checkup"], visit.now)
    return shown(
        "checkup",
        program,
        checkup=seen.checkup,
        facts=seen.facts,
        orders=seen.orders,
        verdict=walking.verdict(seen.checkup.steps),
        url=doctor.url_of(visit.stores, seen.checkup),
    )


def _setup(visit: Visit, program: Program, wrong: dict[str, str], status: int = 200) -> Shown:
    found = tracking_review.review(visit.stores, program, visit.now)
    checkups, _ = doctor.latest(visit.stores, program.id, doctor.MOST_LISTED, None, visit.now)
    return shown(
        "setup",
        program,
        status,
        review=found,
        methods=sorted(found.methods, key=lambda one: (one[0].last_at is None, str(one[0].method))),
        words=WORDS,
        unsigned=BROWSER_METHODS,
        snippets=setup.of_program(visit.stores, program),
        checkups=[(one, walking.verdict(one.steps)) for one in checkups],
        sent={name: visit.form.get(name) for name in ("event", "destination", "partner")},
        problems=wrong,
    )
