"""`/console/{program}/terms`: an editor that checks, explains and tries terms before they are published."""

import json
from typing import Any

from chalice import Blueprint

from chalicelib.domain import terms_text
from chalicelib.domain.attribution import MODELS
from chalicelib.domain.errors import Invalid, LinkledgerError, Malformed
from chalicelib.domain.money import parse_major
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.domain.review import refuse
from chalicelib.domain.session import Area
from chalicelib.domain.terms import Terms
from chalicelib.domain.terms_review import review_terms
from chalicelib.portal.console import month_or, program_of, see, shown, whole
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.routes.terms_bodies import NewTerms, monthly_of, parts_of
from chalicelib.routes.terms_views import terms_view
from chalicelib.routes.wire import encode, read_object, shape
from chalicelib.services import simulation_jobs, terms

bp = Blueprint(__name__)

_OWN_TO_A_VERSION = ("program", "version", "starts_at")
_FIRST = {"model": "last", "window": "30", "event": "sale", "kind": "percent", "figure": "10", "hold": "30"}
"""What the short form begins with: terms as most programmes have them."""


@bp.route("/console/{program}/terms", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def show_terms(visit: Visit) -> Shown:
    """The terms in words, what each version changed, and the editor."""
    program = program_of(visit)
    versions = visit.stores.catalogue.terms(program.id)
    return _terms(visit, program, text=_text(versions[-1]) if versions else "")


@bp.route("/console/{program}/terms", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def edit_terms(visit: Visit) -> Shown | See:
    """Fill in, check, try on a month, or publish."""
    program, form = program_of(visit), visit.form
    text = form.get("terms")
    try:
        if form.get("do") == "fill":
            return _terms(visit, program, text=_filled(form.fields, program))
        draft = _draft(visit, program, text)
        if form.get("do") == "publish":
            parts = draft.attribution, draft.hold_days, draft.commissions
            terms.publish(visit.stores, program.id, *parts, visit.now, draft.monthly)
            return see(program, "terms", "terms_published")
        if form.get("do") == "simulate":
            last = Month.of(visit.now, program.timezone).previous()
            month = month_or(form.get("month"), last)
            job = simulation_jobs.ask(visit.stores, draft, month, visit.now)
            return see(program, f"jobs/{job.id}")
    except LinkledgerError as error:
        return _terms(visit, program, text=text, wrong=problems(error), status=status_of(error))
    return _terms(visit, program, text=text, draft=draft)


def _draft(visit: Visit, program: Program, text: str) -> Terms:
    """The terms in the editor, reviewed as a publication would be.

    Raises:
        Malformed, Refused: with everything that is wrong.
    """
    if not text:
        raise Malformed("body_invalid", "write terms, or fill them in with the short form", "terms")
    body = shape(read_object(text.encode()), NewTerms)
    attribution, hold_days, rules = parts_of(body)
    draft = Terms(program.id, 1, visit.now, attribution, hold_days, tuple(rules), monthly_of(body))
    refuse(review_terms(draft))
    return draft


def _filled(fields: Any, program: Program) -> str:
    """Terms as text, from the short form."""
    sent = {name: fields.get(name, (value,))[0] or value for name, value in _FIRST.items()}
    rule: dict[str, Any] = {"event": sent["event"], "kind": sent["kind"]}
    if sent["kind"] == "flat":
        rule["amount"] = parse_major(sent["figure"], program.currency, "figure")
    elif sent["kind"] == "percent":
        # Two decimals of a percent are basis points, as those of a euro are cents.
        rule["rate_bp"] = parse_major(sent["figure"], "EUR", "figure")
    else:
        raise Invalid("kind_unknown", "choose percent or a flat amount", "kind")
    attribution = {"model": sent["model"], "window_days": whole(sent["window"], "window")}
    hold_days = whole(sent["hold"], "hold")
    return json.dumps({"attribution": attribution, "hold_days": hold_days, "commissions": [rule]}, indent=2)


def _text(version: Terms) -> str:
    """A version as its merchant would send it again."""
    view = json.loads(encode(terms_view(version, only_for=None)))
    return json.dumps({name: view[name] for name in view if name not in _OWN_TO_A_VERSION}, indent=2)


def _terms(
    visit: Visit,
    program: Program,
    *,
    text: str,
    draft: Terms | None = None,
    wrong: dict[str, str] | None = None,
    status: int = 200,
) -> Shown:
    versions = list(visit.stores.catalogue.terms(program.id))
    current = versions[-1] if versions else None
    return shown(
        "terms",
        program,
        status,
        current=current,
        sections=terms_text.sections(current, program.currency) if current else [],
        draft=terms_text.sections(draft, program.currency) if draft else [],
        history=terms_text.differences(versions, program.currency),
        text=text,
        month=str(Month.of(visit.now, program.timezone).previous()),
        models=[(model, model.replace("_", " ")) for model in MODELS],
        sent=_FIRST | {name: visit.form.get(name) for name in _FIRST if visit.form.has(name)},
        problems=wrong or {},
    )
