"""What a partner sets: where it is paid, its API tokens, and where it is signed in."""

from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.domain.errors import LinkledgerError, NotFound
from chalicelib.domain.payout.batch import Account
from chalicelib.domain.session import Area
from chalicelib.portal.page import See, Shown, Visit, page
from chalicelib.portal.problems import problems
from chalicelib.routes.replies import status_of
from chalicelib.services import keys, mails, payouts

bp = Blueprint(__name__)

DETAILS = {
    "sepa": ("name", "iban", "bic"),
    "paypal": ("email",),
    "wise": ("name", "email", "recipient_id", "type"),
}
"""What each way of being paid needs, in the order of the form."""

MAX_TOKENS = 10


@bp.route("/portal/settings", methods=["GET"], content_types=["*/*"])
@page(Area.PORTAL)
def settings(visit: Visit) -> Shown:
    """Everything that the partner sets."""
    return _shown(visit)


@bp.route("/portal/settings/accounts", methods=["POST"], content_types=["*/*"])
@page(Area.PORTAL)
def change_accounts(visit: Visit) -> Shown | See:
    """Add an account, in place of the one of the same currency; or remove one."""
    form = visit.form
    kept = list(visit.stores.payouts.accounts(visit.partner))
    if form.has("remove"):
        kept = [one for one in kept if (one.currency or "any") != form.get("remove")]
    else:
        method, currency = form.get("method"), form.get("currency").upper() or None
        details = {name: form.get(name) for name in DETAILS.get(method, ()) if form.get(name)}
        kept = [one for one in kept if one.currency != currency]
        kept.append(Account(method, currency, details))
    try:
        payouts.set_accounts(visit.stores, visit.partner, kept, visit.now)
    except LinkledgerError as error:
        wrong = {name.rpartition(".")[2]: sentence for name, sentence in problems(error).items()}
        form_values = {name: form.get(name) for name in ("method", "currency", *_DETAIL_NAMES)}
        return _shown(visit, wrong=wrong, form=form_values, status=status_of(error))
    mails.announce_accounts(visit.stores, visit.partner)
    return See("/portal/settings", done="accounts_changed")


@bp.route("/portal/settings/tokens", methods=["POST"], content_types=["*/*"])
@page(Area.PORTAL)
def change_tokens(visit: Visit) -> Shown | See:
    """Make an API token, which is shown once; or withdraw one."""
    own = {key.id for key in visit.stores.credentials.keys_of(visit.partner)}
    if visit.form.has("withdraw"):
        if visit.form.get("withdraw") not in own:
            raise NotFound("key_unknown", "there is no such key")
        keys.withdraw(visit.stores, visit.form.get("withdraw"))
        return See("/portal/settings", done="token_withdrawn")
    if len(own) >= MAX_TOKENS:
        return _shown(visit, wrong={"": f"At most {MAX_TOKENS} tokens: withdraw one first."}, status=409)
    _, text = keys.create(visit.stores, frozenset({Scope.PARTNER}), None, visit.partner, visit.now)
    return _shown(visit, token=text)


@bp.route("/portal/settings/mail", methods=["POST"], content_types=["*/*"])
@page(Area.PORTAL)
def change_mail(visit: Visit) -> See:
    """Say which mail is wanted."""
    visit.stores.catalogue.set_mail(visit.partner, statements=visit.form.has("statements"))
    return See("/portal/settings", done="settings_saved")


_DETAIL_NAMES = tuple(dict.fromkeys(name for names in DETAILS.values() for name in names))


def _shown(
    visit: Visit,
    *,
    token: str | None = None,
    wrong: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
    status: int = 200,
) -> Shown:
    catalogue = visit.stores.catalogue
    values = {
        "partner": catalogue.partner(visit.partner),
        "accounts": visit.stores.payouts.accounts(visit.partner),
        "tokens": visit.stores.credentials.keys_of(visit.partner),
        "token": token,
        "wants_statements": catalogue.wants_statements(visit.partner),
        "problems": wrong or {},
        "form": {**dict.fromkeys(("method", "currency", *_DETAIL_NAMES), ""), **(form or {})},
        "places": sorted(
            visit.stores.sessions.of(visit.session.holder) if visit.session else [],
            key=lambda one: one.issued_at,
            reverse=True,
        ),
    }
    return Shown("portal/settings.html", values, status)
