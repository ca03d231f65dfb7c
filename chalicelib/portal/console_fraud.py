"""`/console/{program}/fraud`: what each rule does, what was found of partners, and trials on a past month."""

from typing import Any

from chalice import Blueprint

from chalicelib.domain.errors import LinkledgerError, NotFound
from chalicelib.domain.fraud import RULES
from chalicelib.domain.fraud.rule import Action, Number, Rule
from chalicelib.domain.fraud.settings import Setting, default_setting
from chalicelib.domain.job import JobKind
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.domain.session import Area
from chalicelib.portal.console import month_or, program_of, see, shown, whole
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.paging import ROWS, cursor, start
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import fraud, fraud_trials, partner_findings

bp = Blueprint(__name__)


@bp.route("/console/{program}/fraud", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def show_rules(visit: Visit) -> Shown:
    """Every rule with its settings, and the newest findings."""
    program = program_of(visit)
    return _rules(visit, program, _kept(visit, program), {})


@bp.route("/console/{program}/fraud", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def set_rules(visit: Visit) -> Shown | See:
    """Publish settings, take the recommended set, try the form on a past month, dismiss a finding."""
    program, form = program_of(visit), visit.form
    if form.get("do") == "recommended":
        fraud.publish(visit.stores, program, {}, visit.now, start_with_recommended=True)
        return see(program, "fraud", "rules_published")
    kept = _kept(visit, program)
    try:
        if form.get("do") == "dismiss":
            partner_findings.dismiss(
                visit.stores, program, form.get("finding"), form.get("reason"), visit.now
            )
            return see(program, "fraud", "finding_dismissed")
        wanted = {rule.name: _sent(visit, rule, kept) for rule in RULES.values()}
        if form.get("do") == "try":
            last = Month.of(visit.now, program.timezone).previous()
            stopping = {n: s for n, s in wanted.items() if s.action in {Action.HOLD, Action.REJECT}}
            month = month_or(form.get("month"), last)
            job = fraud_trials.ask(visit.stores, program, month, stopping or None, visit.now)
            return see(program, f"jobs/{job.id}")
        if form.get("do") != "publish":
            raise NotFound("action_unknown", "there is no such action")
        fraud.publish(visit.stores, program, wanted, visit.now, start_with_recommended=False)
    except LinkledgerError as error:
        return _rules(visit, program, kept, problems(error), status_of(error))
    return see(program, "fraud", "rules_published")


def _sent(visit: Visit, rule: Rule[Any], kept: dict[str, Setting]) -> Setting:
    """The rule as the form wants it; lists of names are set by the API, and stay as they are."""
    parameters = dict((kept.get(rule.name) or default_setting(rule)).parameters)
    for parameter in rule.parameters:
        text = visit.form.get(f"{rule.name}.{parameter.name}")
        if isinstance(parameter, Number) and text:
            parameters[parameter.name] = whole(text, f"{rule.name}.{parameter.name}")
    return fraud.setting(rule.name, visit.form.get(rule.name) or Action.FLAG, parameters)


def _kept(visit: Visit, program: Program) -> dict[str, Setting]:
    settings = visit.stores.fraud.policy(program.id).current(visit.now)
    return dict(settings.rules) if settings else {}


def _rules(
    visit: Visit, program: Program, kept: dict[str, Setting], wrong: dict[str, str], status: int = 200
) -> Shown:
    found, next_key = visit.stores.fraud.findings_page(program.id, ROWS, start(visit))
    trials, _ = visit.stores.jobs.page(program.id, JobKind.TRIAL, 5, None)
    return shown(
        "fraud",
        program,
        status,
        rules=[
            (rule, kept.get(rule.name) or default_setting(rule), _numbers(rule)) for rule in RULES.values()
        ],
        actions=[(str(action), str(action)) for action in Action],
        findings=found,
        next=cursor(visit, next_key),
        trials=trials,
        month=str(Month.of(visit.now, program.timezone).previous()),
        problems=wrong,
    )


def _numbers(rule: Rule[Any]) -> list[Number]:
    return [parameter for parameter in rule.parameters if isinstance(parameter, Number)]
