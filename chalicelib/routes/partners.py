"""`/v1/partners`, and their enrolment in programs."""

from chalice import Blueprint

from chalicelib.domain.credentials import Caller, Scope, partner_unknown
from chalicelib.domain.link import Link
from chalicelib.domain.partner import Enrollment, Partner
from chalicelib.domain.period import format_instant
from chalicelib.routes import paging
from chalicelib.routes.endpoint import Body, Call, Reply, View, endpoint
from chalicelib.services import links, partners
from chalicelib.settings import Settings
from chalicelib.storage.stores import Stores

bp = Blueprint(__name__)


class NewPartner(Body):
    """A partner; the id is generated where it is left out."""

    name: str
    email: str
    id: str | None = None


class PartnerView(View):
    """A partner."""

    id: str
    name: str
    email: str
    created_at: str


class NewEnrollment(Body):
    """The partner to enrol."""

    partner: str


class LinkSummary(View):
    """A link, and where its QR code is."""

    code: str
    url: str
    qr_url: str


class EnrollmentView(View):
    """A partner in a program, and its default link there."""

    program: str
    partner: str
    link: LinkSummary
    created_at: str


@bp.route("/v1/partners", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewPartner, returns=PartnerView, status=201, scopes={Scope.ADMIN, Scope.MERCHANT})
def create_partner(call: Call[NewPartner]) -> Reply[PartnerView]:
    """Create a partner; again with the same details, it answers 200 with the one that is there."""
    partner, created = partners.create(
        call.stores,
        Partner(
            id=partners.new_id() if call.body.id is None else call.body.id,
            name=call.body.name,
            email=call.body.email,
            created_at=call.now,
            owner=call.caller.program,
        ),
    )
    return Reply(_partner_view(partner), 201 if created else 200)


@bp.route("/v1/partners", methods=["GET"], content_types=["*/*"])
@endpoint(returns=paging.Listing[PartnerView], scopes={Scope.ADMIN, Scope.MERCHANT}, query=paging.QUERY)
def list_partners(call: Call[None]) -> paging.Listing[PartnerView]:
    """List the partners: all of them for an administrator, those enrolled with it for a merchant."""
    limit, start = paging.wanted(call)
    catalogue = call.stores.catalogue
    if call.caller.is_admin:
        found, next_key = catalogue.partners_page(limit, start)
    else:
        enrolled, next_key = catalogue.enrollments_page(call.caller.program or "", limit, start)
        found = [catalogue.partner(enrollment.partner) for enrollment in enrolled]
    return paging.listing(call, [_partner_view(partner) for partner in found], next_key)


@bp.route("/v1/partners/{partner}", methods=["GET"], content_types=["*/*"])
@endpoint(returns=PartnerView, scopes={Scope.ADMIN, Scope.MERCHANT, Scope.PARTNER})
def get_partner(call: Call[None]) -> PartnerView:
    """Get a partner."""
    return _partner_view(_visible(call.stores, call.caller, call.path["partner"]))


@bp.route("/v1/programs/{program}/enrollments", methods=["POST"], content_types=["*/*"])
@endpoint(body=NewEnrollment, returns=EnrollmentView, status=201, scopes={Scope.ADMIN, Scope.MERCHANT})
def enroll(call: Call[NewEnrollment]) -> Reply[EnrollmentView]:
    """Enrol a partner, which gives it its default link; again, it answers 200 with the same link.

    A merchant enrols partners that it brought in; others are enrolled by an administrator.
    """
    call.caller.require_program(call.path["program"])
    partner = _visible(call.stores, call.caller, call.body.partner)
    enrollment, link, created = partners.enroll(call.stores, call.path["program"], partner.id, call.now)
    return Reply(_enrollment_view(call.stores.settings, enrollment, link), 201 if created else 200)


@bp.route("/v1/programs/{program}/enrollments", methods=["GET"], content_types=["*/*"])
@endpoint(returns=paging.Listing[EnrollmentView], scopes={Scope.ADMIN, Scope.MERCHANT}, query=paging.QUERY)
def list_enrollments(call: Call[None]) -> paging.Listing[EnrollmentView]:
    """List who is enrolled in the program."""
    call.caller.require_program(call.path["program"])
    program = call.stores.catalogue.program(call.path["program"])
    limit, start = paging.wanted(call)
    found, next_key = call.stores.catalogue.enrollments_page(program.id, limit, start)
    views = [
        _enrollment_view(call.stores.settings, enrollment, partners.default_link(call.stores, enrollment))
        for enrollment in found
    ]
    return paging.listing(call, views, next_key)


def _visible(stores: Stores, caller: Caller, partner_id: str) -> Partner:
    caller.require_partner(partner_id)
    partner = stores.catalogue.partner(partner_id)
    if Scope.MERCHANT in caller.scopes:
        if caller.program is None:
            raise partner_unknown()
        partners.check_visible(stores, partner, caller.program)
    return partner


def _partner_view(partner: Partner) -> PartnerView:
    return PartnerView(
        id=partner.id,
        name=partner.name,
        email=partner.email,
        created_at=format_instant(partner.created_at),
    )


def _enrollment_view(settings: Settings, enrollment: Enrollment, link: Link) -> EnrollmentView:
    url, qr_url = links.link_urls(settings, link)
    return EnrollmentView(
        program=enrollment.program,
        partner=enrollment.partner,
        link=LinkSummary(code=link.code, url=url, qr_url=qr_url),
        created_at=format_instant(enrollment.created_at),
    )
