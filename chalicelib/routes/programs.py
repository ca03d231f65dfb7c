"""`/v1/programs`: programs and their settings."""

from typing import Any

from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.domain.period import format_instant
from chalicelib.domain.program import Consent, Method, Program
from chalicelib.routes import paging
from chalicelib.routes.endpoint import Body, Call, Reply, View, endpoint
from chalicelib.services import programs

bp = Blueprint(__name__)


class ProgramSettings(Body):
    """What may change about a program."""

    name: str | None = None
    domains: list[str] | None = None
    default_url: str | None = None
    click_param: str | None = None
    fallback_url: str | None = None
    methods: list[Method] | None = None
    trust_browser: bool | None = None
    late_days: int | None = None
    consent: Consent | None = None
    utm: dict[str, str] | None = None


class NewProgram(ProgramSettings):
    """A program; `domains` are the hosts (with their subdomains) that its links may lead to."""

    id: str
    name: str
    domains: list[str]
    currency: str
    timezone: str | None = None
    settle_in: str | None = None


class ProgramView(View):
    """A program. `postback_token` authenticates network postbacks."""

    id: str
    name: str
    domains: list[str]
    currency: str
    default_url: str
    timezone: str
    click_param: str
    fallback_url: str | None
    methods: list[Method]
    trust_browser: bool
    settle_in: str | None
    late_days: int
    consent: Consent
    utm: dict[str, str]
    postback_token: str
    created_at: str


@bp.route("/v1/programs", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewProgram, returns=ProgramView, status=201, scopes={Scope.ADMIN})
def create_program(call: Call[NewProgram]) -> Reply[ProgramView]:
    """Create a program; again with the same settings, it answers 200 with the one that is there."""
    wanted = Program(
        id=call.body.id,
        currency=call.body.currency,
        created_at=call.now,
        postback_token="",
        **({"default_url": ""} | _settings(call.body)),
        **_given(timezone=call.body.timezone, settle_in=call.body.settle_in),
    )
    program, created = programs.create(call.stores, wanted)
    return Reply(_program_view(program), 201 if created else 200)


@bp.route("/v1/programs", methods=["GET"], content_types=["*/*"])
@endpoint(returns=paging.Listing[ProgramView], scopes={Scope.ADMIN, Scope.MERCHANT}, query=paging.QUERY)
def list_programs(call: Call[None]) -> paging.Listing[ProgramView]:
    """List the programs: all of them for an administrator, its own for a merchant."""
    limit, start = paging.wanted(call)
    if not call.caller.is_admin:
        own = call.stores.catalogue.find_program(call.caller.program or "")
        return paging.listing(call, [_program_view(own)] if own else [], None)
    found, next_key = call.stores.catalogue.programs_page(limit, start)
    return paging.listing(call, [_program_view(program) for program in found], next_key)


@bp.route("/v1/programs/{program}", methods=["GET"], content_types=["*/*"])
@endpoint(returns=ProgramView, scopes={Scope.ADMIN, Scope.MERCHANT})
def get_program(call: Call[None]) -> ProgramView:
    """Get a program."""
    call.caller.require_program(call.path["program"])
    return _program_view(call.stores.catalogue.program(call.path["program"]))


@bp.route("/v1/programs/{program}", methods=["PATCH"], content_types=["*/*"])
@endpoint(body=ProgramSettings, returns=ProgramView, scopes={Scope.ADMIN, Scope.MERCHANT})
def change_program(call: Call[ProgramSettings]) -> ProgramView:
    """Change settings of a program. Currency, time zone and settlement stay: past months rest on them."""
    call.caller.require_program(call.path["program"])
    return _program_view(programs.change(call.stores, call.path["program"], _settings(call.body)))


def _given(**settings: object) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _settings(body: ProgramSettings) -> dict[str, Any]:
    return _given(
        name=body.name,
        domains=None if body.domains is None else tuple(body.domains),
        default_url=body.default_url,
        click_param=body.click_param,
        fallback_url=body.fallback_url,
        methods=None if body.methods is None else frozenset(body.methods),
        trust_browser=body.trust_browser,
        late_days=body.late_days,
        consent=body.consent,
        utm=body.utm,
    )


def _program_view(program: Program) -> ProgramView:
    return ProgramView(
        id=program.id,
        name=program.name,
        domains=list(program.domains),
        currency=program.currency,
        default_url=program.default_url,
        timezone=program.timezone,
        click_param=program.click_param,
        fallback_url=program.fallback_url,
        methods=sorted(program.methods),
        trust_browser=program.trust_browser,
        settle_in=program.settle_in,
        late_days=program.late_days,
        consent=program.consent,
        utm=program.utm,
        postback_token=program.postback_token,
        created_at=format_instant(program.created_at),
    )
