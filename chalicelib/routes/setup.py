"""`GET /v1/programs/{program}/setup`: what a shop pastes to tell its sales."""

from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.routes.endpoint import Call, View, endpoint
from chalicelib.services import access, setup

bp = Blueprint(__name__)


class SnippetView(View):
    """One way to tell sales.

    `method` is a tracking method, `coupon` (promo codes) or `cookie` (the shop's own server keeps the click);
    `language` is `html`, `sh`, `python`, `js`, `php` or `url`; `document` explains it.
    """

    method: str
    title: str
    language: str
    text: str
    steps: list[str]
    document: str


class SetupView(View):
    """The snippets of every way that the program uses. A postback's holds the program's token: a secret."""

    program: str
    snippets: list[SnippetView]


@bp.route("/v1/programs/{program}/setup", methods=["GET"], content_types=["*/*"])
@endpoint(returns=SetupView, scopes={Scope.ADMIN, Scope.MERCHANT})
def get_setup(call: Call[None]) -> SetupView:
    """Get the snippets with which a shop tells its sales, filled in for this program."""
    program = access.program_of(call.stores, call.caller, call.path["program"])
    return SetupView(
        program=program.id,
        snippets=[
            SnippetView(
                method=one.method,
                title=one.title,
                language=one.language,
                text=one.text,
                steps=list(one.steps),
                document=one.document,
            )
            for one in setup.of_program(call.stores, program)
        ],
    )
