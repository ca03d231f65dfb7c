"""`/console/{program}/access` and `/activity`: settings, keys, signing secrets, and who changed what."""

from typing import Any

from chalice import Blueprint

from chalicelib.domain.credentials import ApiKey, Scope
from chalicelib.domain.errors import Forbidden, LinkledgerError, NotFound
from chalicelib.domain.program import Consent, Method, Program
from chalicelib.domain.session import Area
from chalicelib.portal.console import program_of, see, shown, whole
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.paging import ROWS, cursor, start
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import keys, programs

bp = Blueprint(__name__)

MOST_KEYS = 1000
"""Keys of the stage among which the program's are looked for."""

OVERLAP_HOURS = 24
"""How long a rotated key still works beside its successor."""


@bp.route("/console/{program}/access", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def access(visit: Visit) -> Shown:
    """Settings of the program, its keys and signing secrets."""
    return _access(visit, program_of(visit))


@bp.route("/console/{program}/access", methods=["POST"], content_types=["*/*"])
@page(Area.CONSOLE)
def change_access(visit: Visit) -> Shown | See:
    """Change settings; make, rotate or end a key or secret. What is made is shown this once."""
    program, form = program_of(visit), visit.form
    try:
        match form.get("do"):
            case "settings":
                programs.change(visit.stores, program.id, _settings(visit))
                return see(program, "access", "settings_saved")
            case "secret":
                made = keys.create_secret(visit.stores, program.id, visit.now)
                return _access(visit, program, new_secret=made.secret)
            case "end-secret":
                keys.withdraw_secret(visit.stores, program.id, form.get("id"))
                return see(program, "access", "secret_ended")
            case "key" | "rotate-key" | "end-key":
                return _change_keys(visit, program)
    except LinkledgerError as error:
        return _access(visit, program, wrong=problems(error), status=status_of(error))
    raise NotFound("action_unknown", "there is no such action")


@bp.route("/console/{program}/activity", methods=["GET"], content_types=["*/*"])
@page(Area.CONSOLE)
def activity(visit: Visit) -> Shown:
    """Who changed what, newest first."""
    program = program_of(visit)
    found, next_key = visit.stores.trail.page(program.id, None, None, ROWS, start(visit))
    return shown("activity", program, rows=found, next=cursor(visit, next_key))


def _change_keys(visit: Visit, program: Program) -> Shown | See:
    if not visit.caller.is_admin:
        raise Forbidden("scope_missing", "only an administrator makes and ends keys")
    if visit.form.get("do") == "key":
        _, text = keys.create(visit.stores, frozenset({Scope.MERCHANT}), program.id, None, visit.now)
        return _access(visit, program, new_key=text)
    key = next((key for key in _keys(visit, program) if key.id == visit.form.get("id")), None)
    if key is None:
        raise NotFound("key_unknown", "there is no such key")
    if visit.form.get("do") == "rotate-key":
        _, text, _ = keys.rotate(visit.stores, key.id, OVERLAP_HOURS, visit.now)
        return _access(visit, program, new_key=text)
    keys.withdraw(visit.stores, key.id)
    return see(program, "access", "key_ended")


def _settings(visit: Visit) -> dict[str, Any]:
    form = visit.form
    changes: dict[str, Any] = {
        "name": form.get("name"),
        "domains": tuple(form.get("domains").replace(",", " ").split()),
        "default_url": form.get("default_url"),
        "fallback_url": form.get("fallback_url") or None,
        "trust_browser": form.has("trust_browser"),
        "late_days": whole(form.get("late_days"), "late_days"),
        "methods": frozenset(Method(one) for one in form.all("methods") if one in set(Method)),
    }
    if form.get("consent") in set(Consent):
        changes["consent"] = Consent(form.get("consent"))
    return changes


def _access(
    visit: Visit,
    program: Program,
    *,
    new_key: str | None = None,
    new_secret: str | None = None,
    wrong: dict[str, str] | None = None,
    status: int = 200,
) -> Shown:
    return shown(
        "access",
        program,
        status,
        keys=_keys(visit, program) if visit.caller.is_admin else None,
        secrets=visit.stores.credentials.secrets_of(program.id),
        consents=[(one.value, one.value) for one in Consent],
        methods=[one.value for one in Method],
        new_key=new_key,
        new_secret=new_secret,
        overlap_hours=OVERLAP_HOURS,
        problems=wrong or {},
    )


def _keys(visit: Visit, program: Program) -> list[ApiKey]:
    found, _ = visit.stores.credentials.keys_page(MOST_KEYS, None)
    return [key for key in found if key.program == program.id and key.is_live(visit.now)]
