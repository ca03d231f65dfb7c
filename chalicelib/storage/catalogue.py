"""The `catalogue` table: programs and their terms, partners, enrolments, coupons.

An id that cannot be one (too long, wrong characters) is simply not found. The list of
partners is served from whole copies under one partition, because they are few and written seldom.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime

from chalicelib.domain.audit import Change
from chalicelib.domain.credentials import partner_unknown, program_unknown
from chalicelib.domain.ids import SLUG
from chalicelib.domain.partner import ERASED_EMAIL, Coupon, Enrollment, Partner, fold_coupon, fold_email
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.domain.program import Program
from chalicelib.domain.terms import Terms
from chalicelib.storage import catalogue_records as records
from chalicelib.storage.codec import Item, changed
from chalicelib.storage.conditions import unchanged
from chalicelib.storage.logged import Logged
from chalicelib.storage.table import transact

MAX_COUPON_BYTES = 256


class Catalogue(Logged):
    """What merchants set up. `add_..._once` returns False where the id is taken, even by the same value."""

    def program(self, program_id: str) -> Program:
        """The program.

        Raises:
            NotFound: `program_unknown`.
        """
        found = self.find_program(program_id)
        if found is None:
            raise program_unknown()
        return found

    def find_program(self, program_id: str) -> Program | None:
        """The program, or None."""
        return self._find(program_id, f"program#{program_id}", "program", records.read_program)

    def programs(self) -> Iterator[str]:
        """The ids of all programs, in order."""
        return (item["sk"] for item in self._table.query("programs"))

    def note_reconcile(self, at: datetime) -> None:
        """Note when the last whole reconcile was done."""
        self._table.put({"pk": "stage", "sk": "reconciled", "at": format_instant(at)})

    def last_reconcile(self) -> datetime | None:
        """When that was; None before the first."""
        item = self._table.find("stage", "reconciled")
        return parse_instant(item["at"], "at") if item else None

    def programs_page(self, limit: int, start: Item | None) -> tuple[list[Program], Item | None]:
        """Some programs in order of their ids, and the key to go on from."""
        page = self._table.page("pk", "sk", "programs", consistent=True, limit=limit, start=start)
        return [self.program(item["sk"]) for item in page.items], page.next_key

    def add_program_once(self, program: Program) -> bool:
        """Store a new program."""
        attributes = records.program_record(program)
        return self._add_once(
            Change("program", program.id, program.id, None, attributes),
            {"pk": f"program#{program.id}", "sk": "program", **attributes},
            {"pk": "programs", "sk": program.id},
        )

    def replace_program(self, known: Program, program: Program) -> None:
        """Store the program in its own place, as its settings now are.

        Raises:
            ConditionFailed: what changes is not as in `known` any more.
        """
        before, after = records.program_record(known), records.program_record(program)
        changes = changed(before, after)
        if not changes:
            return
        same = unchanged({name: before.get(name) for name in changes})
        change = Change("program", program.id, program.id, before, after)
        stored = self._table.update_action(f"program#{program.id}", "program", changes, same)
        transact([stored, self._trail.action(change)])

    def terms(self, program_id: str) -> tuple[Terms, ...]:
        """Every version of the program's terms, in order."""
        items = self._table.query(f"program#{program_id}", prefix="terms#")
        return tuple(records.read_terms(item) for item in items)

    def terms_page(self, program_id: str, limit: int, start: Item | None) -> tuple[list[Terms], Item | None]:
        """Some versions in order, and the key to go on from."""
        return self._page(f"program#{program_id}", "terms#", limit, start, records.read_terms)

    def add_terms_once(self, terms: Terms) -> bool:
        """Store a new version."""
        key = {"pk": f"program#{terms.program}", "sk": records.terms_key(terms.version)}
        attributes = records.terms_record(terms)
        change = Change("terms", str(terms.version), terms.program, None, attributes)
        return self._add_once(change, key | attributes)

    def partner(self, partner_id: str) -> Partner:
        """The partner.

        Raises:
            NotFound: `partner_unknown`.
        """
        found = self.find_partner(partner_id)
        if found is None:
            raise partner_unknown()
        return found

    def find_partner(self, partner_id: str) -> Partner | None:
        """The partner, or None."""
        return self._find(partner_id, f"partner#{partner_id}", "partner", records.read_partner)

    def partners_page(self, limit: int, start: Item | None) -> tuple[list[Partner], Item | None]:
        """Some partners in order of their ids, and the key to go on from."""
        return self._page("partners", "", limit, start, records.read_partner)

    def add_partner_once(self, partner: Partner) -> bool:
        """Store a new partner."""
        attributes = records.partner_record(partner)
        return self._add_once(
            Change("partner", partner.id, partner.owner, None, attributes),
            {"pk": f"partner#{partner.id}", "sk": "partner", **attributes},
            {"pk": "partners", "sk": partner.id, **attributes},
            {"pk": _email_key(partner.email), "sk": partner.id},
        )

    def partners_with(self, email: str) -> list[Partner]:
        """Every partner with this address, in order of their ids."""
        found = (self.find_partner(item["sk"]) for item in self._table.query(_email_key(email)))
        return [one for one in found if one is not None and fold_email(one.email) == fold_email(email)]

    def replace_partner(self, known: Partner, partner: Partner) -> None:
        """Store the partner in its own place, as its details now are.

        Raises:
            ConditionFailed: the partner is not as in `known` any more.
        """
        before, after = records.partner_record(known), records.partner_record(partner)
        if before == after:
            return
        details = {name: before.get(name) for name in ("name", "email", "owner")}
        changes = changed(before, after)
        change = Change("partner", partner.id, partner.owner, before, after)
        actions = [
            self._table.update_action(f"partner#{partner.id}", "partner", changes, unchanged(details)),
            self._table.update_action("partners", partner.id, changes),
            self._trail.action(change),
        ]
        if fold_email(known.email) != fold_email(partner.email):
            actions.append(self._table.delete_action(_email_key(known.email), partner.id))
            if partner.email != ERASED_EMAIL:
                actions.append(self._table.put_action({"pk": _email_key(partner.email), "sk": partner.id}))
        transact(actions)

    def wants_statements(self, partner: str) -> bool:
        """Whether the partner is told by mail of new statements: so, unless it said otherwise."""
        item = self._table.find(f"partner#{partner}", "mail")
        return bool(item["statements"]) if item else True

    def set_mail(self, partner: str, *, statements: bool) -> None:
        """Keep whether the partner is told by mail of new statements."""
        self._table.put({"pk": f"partner#{partner}", "sk": "mail", "statements": statements})

    def remove_partner(self, partner: Partner) -> None:
        """Remove a partner whom nothing names any more, if it is there."""
        before = records.partner_record(partner)
        self._remove(
            Change("partner", partner.id, partner.owner, before, None),
            (f"partner#{partner.id}", "partner"),
            ("partners", partner.id),
            (_email_key(partner.email), partner.id),
        )

    def enrollments(self, program_id: str) -> Iterator[Enrollment]:
        """Every enrolment in the program, in order of the partners' ids."""
        items = self._table.query(f"program#{program_id}", prefix="enrollment#")
        return map(records.read_enrollment, items)

    def enrollments_page(
        self, program_id: str, limit: int, start: Item | None, begin: str = ""
    ) -> tuple[list[Enrollment], Item | None]:
        """Some enrolments in the program of partners whose ids begin so, and the key to go on from."""
        prefix = f"enrollment#{begin}"
        return self._page(f"program#{program_id}", prefix, limit, start, records.read_enrollment)

    def enrollments_of(self, partner_id: str) -> Iterator[Enrollment]:
        """Every enrolment of the partner, in order of the programs' ids."""
        items = self._table.query(f"partner#{partner_id}", prefix="enrollment#")
        return map(records.read_enrollment, items)

    def find_enrollment(self, program_id: str, partner_id: str) -> Enrollment | None:
        """The partner's enrolment in the program, or None."""
        if not SLUG.fullmatch(partner_id):
            return None
        return self._find(
            program_id, f"program#{program_id}", f"enrollment#{partner_id}", records.read_enrollment
        )

    def add_enrollment_once(self, enrollment: Enrollment) -> bool:
        """Store a new enrolment."""
        program, partner = enrollment.program, enrollment.partner
        attributes = records.enrollment_record(enrollment)
        return self._add_once(
            Change("enrollment", partner, program, None, attributes),
            {"pk": f"program#{program}", "sk": f"enrollment#{partner}", **attributes},
            {"pk": f"partner#{partner}", "sk": f"enrollment#{program}", **attributes},
        )

    def remove_enrollment(self, enrollment: Enrollment) -> None:
        """Remove an enrolment of a partner who never had a click or conversion, if it is there."""
        program, partner = enrollment.program, enrollment.partner
        self._remove(
            Change("enrollment", partner, program, records.enrollment_record(enrollment), None),
            (f"program#{program}", f"enrollment#{partner}"),
            (f"partner#{partner}", f"enrollment#{program}"),
        )

    def find_coupon(self, program_id: str, folded: str) -> Coupon | None:
        """The program's coupon with this folded code, or None."""
        if not _fits_a_key(folded):
            return None
        return self._find(program_id, f"program#{program_id}", f"coupon#{folded}", records.read_coupon)

    def coupons_page(
        self, program_id: str, limit: int, start: Item | None
    ) -> tuple[list[Coupon], Item | None]:
        """Some coupons of the program in order of their folded codes, and the key to go on from."""
        return self._page(f"program#{program_id}", "coupon#", limit, start, records.read_coupon)

    def add_coupon_once(self, coupon: Coupon) -> bool:
        """Store a new coupon; its code is unique in the program once folded."""
        key = {"pk": f"program#{coupon.program}", "sk": f"coupon#{fold_coupon(coupon.code)}"}
        attributes = records.coupon_record(coupon)
        return self._add_once(
            Change("coupon", coupon.code, coupon.program, None, attributes), key | attributes
        )

    def set_coupon_bounds(self, known: Coupon, coupon: Coupon) -> None:
        """Store when the coupon counts, and how often.

        Raises:
            ConditionFailed: it does not count as in `known` any more.
        """
        before, after = records.coupon_record(known), records.coupon_record(coupon)
        names = ("starts_at", "ends_at", "max_uses")
        bounds = {name: after.get(name) for name in names}
        same = unchanged({name: before.get(name) for name in names})
        pk, sk = f"program#{coupon.program}", f"coupon#{fold_coupon(coupon.code)}"
        change = Change("coupon", coupon.code, coupon.program, before, after)
        transact([self._table.update_action(pk, sk, bounds, same), self._trail.action(change)])


def _email_key(email: str) -> str:
    """A digest, because keys of items show up in more places than their content."""
    return f"email#{hashlib.sha256(fold_email(email).encode()).hexdigest()}"


def _fits_a_key(folded: str) -> bool:
    try:
        return 1 <= len(folded.encode()) <= MAX_COUPON_BYTES
    except UnicodeEncodeError:
        return False
