"""A program's fraud rules: settings, what they found of partners, and trials on a past month."""

from typing import Any

from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.domain.fraud import CONVERSION_RULES, PARTNER_RULES, RULES
from chalicelib.domain.fraud.rule import Action, Number, Rule
from chalicelib.domain.fraud.settings import Setting, Settings, default_setting
from chalicelib.domain.period import Month, format_instant
from chalicelib.routes import paging
from chalicelib.routes.endpoint import Body, Call, Reply, View, endpoint
from chalicelib.services import access, fraud, fraud_trials, partner_findings
from chalicelib.storage.fraud import Dismissal, Finding

bp = Blueprint(__name__)

_MERCHANTS = {Scope.ADMIN, Scope.MERCHANT}


class RuleBody(Body):
    """What a rule does (`off`, `flag`, `hold`, `reject`), and those parameters that are not the default."""

    action: str | None = None
    parameters: dict[str, Any] | None = None


class NewFraudSettings(Body):
    """All settings at once: a rule not named is as in the recommended set, or flags with its defaults."""

    recommended: bool | None = None
    rules: dict[str, RuleBody] | None = None


class NewTrial(Body):
    """Rules, and the month (such as 2026-09) on which they are tried; without rules, the recommended set."""

    program: str
    month: str
    rules: dict[str, RuleBody] | None = None


class NewDismissal(Body):
    """The finding that is wrong, or of no matter, by its id, and why."""

    program: str
    finding: str
    reason: str


class ParameterView(View):
    """A parameter of a rule: its value, its default and why that is the default."""

    name: str
    value: Any
    default: Any
    least: int | None
    most: int | None
    unit: str
    reason: str


class RuleView(View):
    """A rule as the program has set it; `about` is `conversion`, `partner` or `enrollment`."""

    name: str
    version: int
    about: str
    signal: str
    action: str
    recommended: str
    parameters: list[ParameterView]


class FraudSettingsView(View):
    """A version of the settings, in force from `starts_at`; version 0 are the defaults."""

    program: str
    version: int
    starts_at: str | None
    rules: list[RuleView]


class DismissalView(View):
    """Who dismissed a finding (a key's id), why, and when."""

    by: str
    reason: str
    at: str


class FindingView(View):
    """What a rule found of a partner; with the action `hold` or `reject` its sales of these days wait.

    One that was dismissed stops nothing any more.
    """

    id: str
    program: str
    partner: str | None
    rule: str
    version: int
    action: str
    first_day: str
    last_day: str
    detail: str
    evidence: dict[str, Any]
    found_at: str
    dismissed: DismissalView | None


class TrialView(View):
    """The job that was started; `GET /v1/jobs/{job}` says how far it is, and then what it found."""

    job: str
    state: str


@bp.route("/v1/programs/{program}/fraud", methods=["GET"], content_types=["*/*"])
@endpoint(returns=FraudSettingsView, scopes=_MERCHANTS)
def get_fraud_settings(call: Call[None]) -> FraudSettingsView:
    """Every rule as the program has set it, with its parameters and the reasons of their defaults."""
    program = access.program_of(call.stores, call.caller, call.path["program"])
    return _settings_view(program.id, call.stores.fraud.policy(program.id).current(call.now))


@bp.route("/v1/programs/{program}/fraud", methods=["PUT"], content_types=["*/*"])
@endpoint(body=NewFraudSettings, returns=FraudSettingsView, status=201, scopes=_MERCHANTS)
def put_fraud_settings(call: Call[NewFraudSettings]) -> Reply[FraudSettingsView]:
    """Set the rules for what happens from now on; the same settings again make no new version."""
    program = access.program_of(call.stores, call.caller, call.path["program"])
    settings, is_new = fraud.publish(
        call.stores,
        program,
        _settings_of(call.body.rules),
        call.now,
        start_with_recommended=bool(call.body.recommended),
    )
    return Reply(_settings_view(program.id, settings), 201 if is_new else 200)


@bp.route("/v1/fraud/findings", methods=["GET"], content_types=["*/*"])
@endpoint(returns=paging.Listing[FindingView], scopes=_MERCHANTS, query=("program", "partner", *paging.QUERY))
def list_findings(call: Call[None]) -> paging.Listing[FindingView]:
    """What the rules found of a program's partners, the newest month first."""
    program = access.program_of(call.stores, call.caller, call.query.get("program", ""))
    limit, start = paging.wanted(call)
    partner = call.query.get("partner")
    found, next_key = call.stores.fraud.findings_page(program.id, limit, start)
    views = [_finding_view(finding) for finding in found if partner in {None, finding.partner}]
    return paging.listing(call, views, next_key)


@bp.route("/v1/fraud/dismissals", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewDismissal, returns=FindingView, status=201, scopes=_MERCHANTS)
def dismiss_finding(call: Call[NewDismissal]) -> Reply[FindingView]:
    """Dismiss a finding: sales that wait for nothing else go on; the first dismissal and its reason stand."""
    program = access.program_of(call.stores, call.caller, call.body.program)
    finding, is_new = partner_findings.dismiss(
        call.stores, program, call.body.finding, call.body.reason, call.now
    )
    return Reply(_finding_view(finding), 201 if is_new else 200)


@bp.route("/v1/fraud/trials", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewTrial, returns=TrialView, status=202, scopes=_MERCHANTS)
def create_trial(call: Call[NewTrial]) -> TrialView:
    """Start trying rules on a past month: what they would have held, and how often reviewers agreed."""
    program = access.program_of(call.stores, call.caller, call.body.program)
    rules = None if call.body.rules is None else _settings_of(call.body.rules, Action.HOLD)
    job = fraud_trials.ask(call.stores, program, Month.parse(call.body.month), rules, call.now)
    return TrialView(job=job.id, state=job.state)


def _settings_of(rules: dict[str, RuleBody] | None, usual: Action = Action.FLAG) -> dict[str, Setting]:
    return {
        name: fraud.setting(name, body.action or usual, body.parameters or {})
        for name, body in (rules or {}).items()
    }


def _settings_view(program: str, settings: Settings | None) -> FraudSettingsView:
    kept = settings.rules if settings else {}
    return FraudSettingsView(
        program=program,
        version=settings.version if settings else 0,
        starts_at=format_instant(settings.starts_at) if settings else None,
        rules=[_rule_view(rule, kept.get(rule.name) or default_setting(rule)) for rule in RULES.values()],
    )


def _rule_view(rule: Rule[Any], setting: Setting) -> RuleView:
    about = "conversion" if rule in CONVERSION_RULES else "partner" if rule in PARTNER_RULES else "enrollment"
    return RuleView(
        name=rule.name,
        version=setting.version,
        about=about,
        signal=rule.signal,
        action=str(setting.action),
        recommended=rule.recommended,
        parameters=[
            ParameterView(
                name=parameter.name,
                value=setting.parameters.get(parameter.name, parameter.default),
                default=parameter.default,
                least=parameter.least if isinstance(parameter, Number) else None,
                most=parameter.most if isinstance(parameter, Number) else None,
                unit=parameter.unit if isinstance(parameter, Number) else parameter.form,
                reason=parameter.reason,
            )
            for parameter in rule.parameters
        ],
    )


def _finding_view(finding: Finding) -> FindingView:
    return FindingView(
        id=finding.key,
        program=finding.program,
        partner=finding.partner or None,
        rule=finding.rule,
        version=finding.version,
        action=finding.action,
        first_day=finding.first_day,
        last_day=finding.last_day,
        detail=finding.words,
        evidence=finding.evidence,
        found_at=format_instant(finding.found_at),
        dismissed=_dismissal_view(finding.dismissal) if finding.dismissal else None,
    )


def _dismissal_view(dismissal: Dismissal) -> DismissalView:
    return DismissalView(by=dismissal.by, reason=dismissal.reason, at=format_instant(dismissal.at))
