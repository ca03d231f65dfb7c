"""`/v1/programs/{program}/terms`: what a program pays whom for what, version by version."""

from chalice import Blueprint

from chalicelib.domain.credentials import Scope
from chalicelib.routes import paging
from chalicelib.routes.endpoint import Call, endpoint
from chalicelib.routes.terms_bodies import NewTerms, monthly_of, parts_of
from chalicelib.routes.terms_views import TermsView, terms_view
from chalicelib.services import access, terms

bp = Blueprint(__name__)


@bp.route("/v1/programs/{program}/terms", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewTerms, returns=TermsView, status=201, scopes={Scope.ADMIN, Scope.MERCHANT})
def publish_terms(call: Call[NewTerms]) -> TermsView:
    """Publish a new version of the terms, in force from now on."""
    call.caller.require_program(call.path["program"])
    wanted = parts_of(call.body)
    published = terms.publish(call.stores, call.path["program"], *wanted, call.now, monthly_of(call.body))
    return terms_view(published, only_for=None)


@bp.route("/v1/programs/{program}/terms", methods=["GET"], content_types=["*/*"])
@endpoint(
    returns=paging.Listing[TermsView],
    scopes={Scope.ADMIN, Scope.MERCHANT, Scope.PARTNER},
    query=paging.QUERY,
)
def list_terms(call: Call[None]) -> paging.Listing[TermsView]:
    """List the versions of the terms, oldest first; a partner sees what is for it."""
    program, caller = call.path["program"], call.caller
    access.program_of(call.stores, caller, program)
    limit, start = paging.wanted(call)
    found, next_key = call.stores.catalogue.terms_page(program, limit, start)
    only_for = caller.partner if caller.is_partner else None
    return paging.listing(call, [terms_view(version, only_for) for version in found], next_key)
