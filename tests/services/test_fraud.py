"""Fraud rules at work: settings are versions, findings stop money, and only a person lets it go."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.audit import Actor
from chalicelib.domain.conversion import OPENING, AdjustmentKind, Content, Outcome, Report, State
from chalicelib.domain.counts import Cell
from chalicelib.domain.credentials import Caller, Scope
from chalicelib.domain.errors import Invalid, NotFound, Refused
from chalicelib.domain.fraud import pixel_mismatch
from chalicelib.domain.fraud.rule import Action
from chalicelib.domain.fraud.settings import Setting
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.orders import Order
from chalicelib.domain.partner import Partner
from chalicelib.domain.payout.batch import Account
from chalicelib.domain.program import Method
from chalicelib.domain.reconciliation import Ours
from chalicelib.domain.terms import Attribution, CommissionRule, Lock, Terms
from chalicelib.services import (
    additions,
    adjustments,
    capture,
    conversions,
    erasures,
    evidence,
    fraud,
    partner_findings,
    partners,
    payouts,
    remedies,
    reviews,
)
from chalicelib.services.fraud_looking import look
from chalicelib.services.identities import link
from chalicelib.services.reconcile import reconcile
from chalicelib.services.settle import rules_of, settle_conversion
from chalicelib.storage.conversion_records import Evidence
from chalicelib.storage.fraud import Dismissal
from chalicelib.storage.trail import acting
from tests import scene
from tests.faults.books import audit
from tests.scene import MONTH_START

NOW = MONTH_START + timedelta(days=10)
LATER = NOW + timedelta(hours=3)
ADMIN = Caller(frozenset({Scope.ADMIN}))


def an_order(order_id: str = "o-1", **changes: object) -> Incoming:
    parts = {"event": "sale", "order_id": order_id, "content": Content(10_000, "EUR"), "method": Method.API}
    return Incoming(**{**parts, **changes})


def switch_on(stage, shop, at=MONTH_START, **actions: str) -> None:
    rules = {name: fraud.setting(name, action, {}) for name, action in actions.items()}
    fraud.publish(stage.stores, shop.program, rules, at)


def settled(stage, shop, conversion: str, at=NOW):
    settle_conversion(stage.stores, rules_of(stage.stores, shop.program.id), conversion, at)
    return stage.stores.conversions.find(conversion)


def count(stage, program: str, partner: str, day: str, **amounts: int) -> None:
    """Plant counts of human clicks, as the stream would."""
    verdict = "human"
    cell = Cell(program, "clicks", day, partner, "code", "partner", verdict=verdict)
    planted = {cell: {"clicks": amounts.pop("clicks", 0)}}
    if amounts:
        planted[Cell(program, "money", day, partner, "code", "partner", currency="EUR")] = amounts
    stage.stores.counts.add_marked("test", [f"{partner}{day}".rjust(40, "0")], planted, NOW)


class TestSettings:
    def test_a_version_is_published_never_edited_and_the_same_again_is_none(self, stage) -> None:
        shop = scene.make(stage.stores)
        wanted = {"injection": fraud.setting("injection", "hold", {"seconds": 10})}
        first, is_new = fraud.publish(stage.stores, shop.program, wanted, NOW)
        again, is_newer = fraud.publish(stage.stores, shop.program, wanted, NOW + timedelta(days=1))
        assert (first.version, is_new, again, is_newer) == (1, True, first, False)
        other, _ = fraud.publish(stage.stores, shop.program, {}, NOW, start_with_recommended=True)
        assert other.version == 2
        assert other.rules["self_referral"].action == Action.HOLD
        assert [v.version for v in stage.stores.fraud.policy(shop.program.id).versions] == [1, 2]

    def test_what_is_wrong_is_told_at_once_and_nothing_is_published(self, stage) -> None:
        shop = scene.make(stage.stores)
        wrong = {"nonsense": Setting("hold"), "injection": Setting("hold", 1, {"seconds": 0})}
        with pytest.raises(Refused) as refused:
            fraud.publish(stage.stores, shop.program, wrong, NOW)
        assert {error.code for error in refused.value.errors} == {"rule_unknown", "parameter_invalid"}
        assert stage.stores.fraud.policy(shop.program.id).versions == ()


class TestHolding:
    def test_a_hold_never_lapses_and_an_approval_pays_it(self, stage) -> None:
        shop = scene.make(stage.stores)
        switch_on(stage, shop, quick_conversion="hold")
        click = shop.click(stage.stores, NOW - timedelta(seconds=2))
        told = capture.record(stage.stores, shop.program, an_order(click_id=click.token), NOW)
        assert (told.outcome, told.state) == (Outcome.HELD, State.HELD)
        for days in (0, 20, 400):
            reconcile(stage.stores, NOW + timedelta(days=days))
            assert settled(stage, shop, told.id, NOW + timedelta(days=days)).state is State.HELD
        later = NOW + timedelta(days=401)
        reviews.decide_all(
            stage.stores, shop.program, AdjustmentKind.APPROVE, [told.id], "known customer", later
        )
        found = settled(stage, shop, told.id, later)
        assert found.state is State.APPROVED
        assert [e.commission_minor for e in found.booked.entries] == [1000, 1000]

    def test_a_rule_that_rejects_pays_nothing_and_a_person_may_overrule_it(self, stage) -> None:
        shop = scene.make(stage.stores)
        switch_on(stage, shop, quick_conversion="reject")
        click = shop.click(stage.stores, NOW - timedelta(seconds=2))
        told = capture.record(stage.stores, shop.program, an_order(click_id=click.token), NOW)
        assert (told.outcome, told.state) == (Outcome.REJECTED, State.REJECTED)
        assert settled(stage, shop, told.id).booked.entries == ()
        adjustments.adjust(stage.stores, told.id, "a", AdjustmentKind.APPROVE, None, "ours", NOW)
        assert settled(stage, shop, told.id).state is State.PENDING

    def test_flags_change_neither_credit_nor_money(self, stage) -> None:
        shop = scene.make(stage.stores)
        click = shop.click(stage.stores, NOW - timedelta(seconds=2))
        told = capture.record(stage.stores, shop.program, an_order(click_id=click.token), NOW)
        found = settled(stage, shop, told.id)
        assert (told.state, [e.commission_minor for e in found.booked.entries]) == (State.PENDING, [1000])
        checks = {check.name: check.passed for check in conversions.explain(stage.stores, found).checks}
        assert checks == {"confirmation": True, "quick_conversion": False}

    @pytest.mark.parametrize("first", ["order", "identity"])
    def test_late_evidence_and_early_evidence_end_in_the_same_hold(self, stage, first: str) -> None:
        shop = scene.make(stage.stores)
        stage.stores.catalogue.add_partner_once(Partner("anna", "Anna", "anna@example.com", MONTH_START))
        switch_on(stage, shop, self_referral="hold")
        click = shop.click(stage.stores, NOW - timedelta(days=1))
        order = an_order(customer_id="c-1", customer_email="Anna+shop@Example.com", occurred_at=NOW)
        if first == "identity":
            link(stage.stores, shop.program, "c-1", click.token, NOW)
        told = capture.record(stage.stores, shop.program, order, NOW)
        if first == "order":
            link(stage.stores, shop.program, "c-1", click.token, NOW)
        found = settled(stage, shop, told.id)
        assert (found.state, found.booked.entries) == (State.HELD, ())
        assert conversions.explain(stage.stores, found).reason == "self_referral"

    @pytest.mark.parametrize("order", [("pixel", "server"), ("server", "pixel")])
    def test_figures_that_differ_are_found_whoever_told_them_first(self, stage, order) -> None:
        shop = scene.make(stage.stores)
        switch_on(stage, shop, pixel_mismatch="hold")
        click = shop.click(stage.stores, NOW - timedelta(days=1))
        server = an_order(click_id=click.token, occurred_at=NOW)
        reports = {"server": server, "pixel": replace(server, method=Method.PIXEL, content=Content(9, "EUR"))}
        for name in order:
            told = capture.record(stage.stores, shop.program, reports[name], NOW)
        found = settled(stage, shop, told.id)
        decision = conversions.explain(stage.stores, found)
        assert (found.state, decision.reason) == (State.HELD, "pixel_mismatch")
        assert decision.checks[-1].evidence["told"] == {"amount": 9, "currency": "EUR"}

    def test_of_all_figures_that_a_browser_told_the_one_that_is_furthest_off_counts(self, stage) -> None:
        shop = scene.make(stage.stores)
        rules = {"pixel_mismatch": fraud.setting("pixel_mismatch", "hold", {"tolerance_bp": 200})}
        fraud.publish(stage.stores, shop.program, rules, MONTH_START)
        server = an_order(coupon="anna", occurred_at=NOW)
        sale = capture.record(stage.stores, shop.program, server, NOW).id
        states = []
        for amount in (10_100, 9_950, 9_000, 10_000, *range(1, 20)):
            pixel = replace(server, method=Method.PIXEL, content=Content(amount, "EUR"))
            capture.record(stage.stores, shop.program, pixel, NOW)
            if amount > 1_000:
                states.append(settled(stage, shop, sale).state)
        assert states == [State.PENDING, State.PENDING, State.HELD, State.HELD]
        found = settled(stage, shop, sale)
        assert len(found.facts.signals) == pixel_mismatch.MOST
        evidence = conversions.explain(stage.stores, found).checks[-1].evidence
        assert evidence["told"] == {"amount": 1, "currency": "EUR"}

    def test_a_customer_who_was_brought_from_another_vendor_signs_up_for_the_first_time(self, stage) -> None:
        shop = scene.make(stage.stores)
        switch_on(stage, shop, duplicate_customer="hold")
        customer = evidence.customer_hash(stage.stores, shop.program.id, "c-9")
        opening = Report(
            shop.program.id,
            OPENING,
            "moved",
            Content(0, "EUR"),
            Method.API,
            NOW,
            NOW,
            True,
            customer=customer,
        )
        stage.stores.conversions.create(
            opening, Evidence(customers=(customer,)), 0, Outcome.RECORDED, State.APPROVED, ()
        )
        found = []
        for hours in (1, 2):
            lead = an_order(
                f"l-{hours}", event="lead", customer_id="c-9", occurred_at=NOW + timedelta(hours=hours)
            )
            told = capture.record(stage.stores, shop.program, replace(lead, coupon="anna"), LATER)
            decision = conversions.explain(stage.stores, settled(stage, shop, told.id, LATER))
            found.append("duplicate_customer" in {check.name for check in decision.checks})
        assert found == [False, True]

    def test_a_customer_who_signs_up_again_is_found_and_the_first_sign_up_stays_clean(self, stage) -> None:
        shop = scene.make(stage.stores)
        found = []
        for order_id in ("a", "b"):
            order = an_order(order_id, event="lead", customer_id="c-9", coupon="anna")
            found.append(capture.record(stage.stores, shop.program, order, NOW).id)
            capture.record(stage.stores, shop.program, order, NOW)
        known = [settled(stage, shop, one) for one in sorted(found)]
        decisions = [conversions.explain(stage.stores, one) for one in known]
        flagged = ["duplicate_customer" in {check.name for check in one.checks} for one in decisions]
        assert flagged == [False, True]

    @pytest.mark.parametrize("told", ["older first", "newer first"])
    def test_the_later_lead_of_a_customer_is_held_in_whatever_order_they_are_told(self, stage, told) -> None:
        shop = scene.make(stage.stores)
        leads = CommissionRule("lead", "flat", amount_minor=500)
        stage.stores.catalogue.add_terms_once(
            Terms(shop.program.id, 2, MONTH_START, Attribution(), 14, (leads,))
        )
        switch_on(stage, shop, duplicate_customer="hold")
        days = {"a": 1, "b": 2} if told == "older first" else {"b": 2, "a": 1}
        found = {}
        for name, day in days.items():
            order = an_order(name, event="lead", customer_id="c-9", coupon="anna")
            order = replace(order, occurred_at=MONTH_START + timedelta(days=day))
            found[name] = capture.record(stage.stores, shop.program, order, NOW).id
            reconcile(stage.stores, NOW)
        for name in days:
            again = an_order(name, event="lead", customer_id="c-9", coupon="anna")
            capture.record(stage.stores, shop.program, again, NOW)
        for _ in range(2):
            reconcile(stage.stores, NOW)
        ends = {name: stage.stores.conversions.find(one) for name, one in found.items()}
        assert {name: str(end.state) for name, end in ends.items()} == {"a": "pending", "b": "held"}
        earned = {name: end.booked.earned("anna", "EUR")[1] for name, end in ends.items()}
        assert earned == {"a": 500, "b": 0}

    @pytest.mark.parametrize("action", ["hold", "reject"])
    def test_a_click_that_earns_nothing_does_not_get_the_customer_either(self, stage, action: str) -> None:
        shop = scene.make(stage.stores)
        rules = (CommissionRule("sale", "percent", rate_bp=1000),)
        stage.stores.catalogue.add_terms_once(
            Terms(shop.program.id, 2, MONTH_START, Attribution(lock=Lock()), 14, rules)
        )
        switch_on(stage, shop, injection=action)
        honest = shop.click(stage.stores, NOW - timedelta(days=1), "anna")
        late = shop.click(stage.stores, NOW - timedelta(seconds=5), "ben", honest.visitor)
        first = capture.record(
            stage.stores, shop.program, an_order(click_id=late.token, customer_id="c-1"), NOW
        )
        adjustments.adjust(stage.stores, first.id, "a", AdjustmentKind.APPROVE, None, "seen", NOW)
        later = NOW + timedelta(days=3)
        second = an_order("o-2", customer_id="c-1", occurred_at=later)
        sold = capture.record(stage.stores, shop.program, second, later)
        ends = [settled(stage, shop, one, later) for one in (first.id, sold.id)]
        assert [{e.partner for e in end.booked.entries} for end in ends] == [{"anna"}, {"anna"}]

    def test_a_customer_is_nobodys_by_an_order_that_a_rule_stopped_until_a_person_lets_it_go(
        self, stage
    ) -> None:
        shop = scene.make(stage.stores)
        rules = (CommissionRule("sale", "percent", rate_bp=1000),)
        stage.stores.catalogue.add_terms_once(
            Terms(shop.program.id, 2, MONTH_START, Attribution(lock=Lock()), 14, rules)
        )
        switch_on(stage, shop, quick_conversion="hold")
        click = shop.click(stage.stores, NOW - timedelta(seconds=2), "ben")
        first = capture.record(
            stage.stores, shop.program, an_order(click_id=click.token, customer_id="c-1"), NOW
        )
        later = NOW + timedelta(days=3)
        second = an_order("o-2", customer_id="c-1", coupon="ANNA", occurred_at=later)
        sold = capture.record(stage.stores, shop.program, second, later)
        reconcile(stage.stores, later)
        assert settled(stage, shop, sold.id, later).booked.earned("anna", "EUR")[1] == 1000
        adjustments.adjust(stage.stores, first.id, "a", AdjustmentKind.APPROVE, None, "seen", later)
        for _ in range(2):
            reconcile(stage.stores, later)
        end = settled(stage, shop, sold.id, later)
        assert [end.booked.earned(partner, "EUR")[1] for partner in ("anna", "ben")] == [0, 1000]

    def test_an_order_file_vouches_for_the_order_and_lets_nothing_go_that_a_rule_stopped(self, stage) -> None:
        shop = scene.make(stage.stores, methods=frozenset({Method.PIXEL}))
        switch_on(stage, shop, quick_conversion="hold")
        click = shop.click(stage.stores, NOW - timedelta(seconds=2))
        order = an_order(click_id=click.token, method=Method.PIXEL)
        sold = capture.record(stage.stores, shop.program, order, NOW).id
        found = settled(stage, shop, sold)
        ours = Ours(found.facts, conversions.explain(stage.stores, found), found.state)
        remedies.confirm(stage.stores, shop.program, Order(2, ("o-1",), 10_000, "EUR"), ours, NOW)
        end = settled(stage, shop, sold)
        reason = conversions.explain(stage.stores, end).reason
        assert (end.state, reason, end.booked.entries) == (State.HELD, "quick_conversion", ())
        reviews.decide_all(stage.stores, shop.program, AdjustmentKind.APPROVE, [sold], "seen", NOW)
        assert settled(stage, shop, sold).state is State.PENDING

    def test_who_fills_an_order_with_clicks_keeps_no_finding_out(self, stage) -> None:
        shop = scene.make(stage.stores)
        stage.stores.catalogue.add_partner_once(Partner("anna", "Anna", "anna@example.com", MONTH_START))
        switch_on(stage, shop, self_referral="hold")
        order = an_order(customer_id="c-1", customer_email="anna@example.com", occurred_at=NOW)
        sold = capture.record(stage.stores, shop.program, order, NOW).id
        for number in range(additions.MAX_TOLD_LATER + 5):
            click = shop.click(stage.stores, NOW - timedelta(hours=number + 1), "ben")
            told = replace(order, method=Method.PIXEL, click_id=click.token, customer_id=None)
            capture.record(stage.stores, shop.program, told, NOW)
        own = shop.click(stage.stores, NOW - timedelta(minutes=1), "anna")
        link(stage.stores, shop.program, "c-1", own.token, NOW)
        end = settled(stage, shop, sold)
        assert (end.state, end.booked.entries) == (State.HELD, ())

    def test_what_settings_hold_the_books_and_their_audit_agree_with(self, stage) -> None:
        shop = scene.make(stage.stores)
        switch_on(stage, shop, quick_conversion="hold")
        for number, seconds in enumerate((2, 3600)):
            click = shop.click(stage.stores, NOW - timedelta(seconds=seconds))
            order = an_order(f"o-{number}", click_id=click.token)
            settled(stage, shop, capture.record(stage.stores, shop.program, order, NOW).id)
        assert audit(stage.stores, shop.program).problems == []


class TestPartnersFound:
    def flooding(self, stage, shop) -> None:
        for number in range(5):
            day = f"2026-09-{number + 5:02d}"
            count(stage, shop.program.id, "anna", day, clicks=1_000)
            count(stage, shop.program.id, "ben", day, clicks=500, conversions=25)

    def test_a_finding_is_kept_once_and_flags_only(self, stage) -> None:
        shop = scene.make(stage.stores)
        self.flooding(stage, shop)
        sold = settled(stage, shop, shop.sell(stage.stores, NOW).id)
        rules = rules_of(stage.stores, shop.program.id)
        found = look(stage.stores, rules, NOW)
        assert [(f.partner, f.rule, f.action) for f in found] == [("anna", "flooding", "flag")]
        assert found[0].evidence["clicks"] == 5_000
        assert look(stage.stores, rules, NOW) == []
        assert settled(stage, shop, sold.facts.id).state is State.PENDING

    def test_where_the_rule_holds_the_partners_waiting_sales_wait_for_a_person(self, stage) -> None:
        shop = scene.make(stage.stores)
        switch_on(stage, shop, flooding="hold")
        self.flooding(stage, shop)
        anna = settled(stage, shop, shop.sell(stage.stores, NOW).id).facts.id
        ben = settled(stage, shop, shop.sell(stage.stores, NOW, code="BEN").id).facts.id
        assert reconcile(stage.stores, NOW).findings == 1
        held, free = (settled(stage, shop, one) for one in (anna, ben))
        assert (held.state, free.state) == (State.HELD, State.PENDING)
        assert sum(e.commission_minor for e in held.booked.entries) == 0
        queue, _ = reviews.queue_page(stage.stores, shop.program, 50, None)
        assert [(one.conversion.facts.id, one.decision.reason) for one in queue] == [(anna, "flooding")]
        reviews.decide_all(stage.stores, shop.program, AdjustmentKind.APPROVE, [anna], "seen", NOW)
        reconcile(stage.stores, NOW)
        assert settled(stage, shop, anna).state is State.PENDING
        assert audit(stage.stores, shop.program).problems == []

    def test_a_finding_stops_the_sales_that_come_after_it_even_without_a_hold(self, stage) -> None:
        shop = scene.make(stage.stores)
        terms = Terms(
            shop.program.id, 2, MONTH_START, Attribution(), 0, (CommissionRule("sale", "percent", rate_bp=1),)
        )
        stage.stores.catalogue.add_terms_once(terms)
        switch_on(stage, shop, flooding="hold")
        before = settled(stage, shop, shop.sell(stage.stores, NOW).id)
        self.flooding(stage, shop)
        reconcile(stage.stores, NOW)
        after = settled(stage, shop, shop.sell(stage.stores, NOW).id)
        other = settled(stage, shop, shop.sell(stage.stores, NOW, code="BEN").id)
        assert (before.state, after.state, other.state) == (State.APPROVED, State.HELD, State.APPROVED)
        assert after.booked.entries == ()

    @pytest.mark.parametrize(("action", "stopped"), [("hold", State.HELD), ("reject", State.REJECTED)])
    def test_a_finding_that_is_dismissed_lets_its_sales_go_and_stops_no_more(
        self, stage, action: str, stopped: State
    ) -> None:
        shop, stores = scene.make(stage.stores), stage.stores
        switch_on(stage, shop, flooding=action)
        self.flooding(stage, shop)
        booked, fresh = settled(stage, shop, shop.sell(stores, NOW).id).facts.id, shop.sell(stores, NOW).id
        reconcile(stores, NOW)
        assert {settled(stage, shop, one).state for one in (booked, fresh)} == {stopped}
        (finding,) = stores.fraud.findings(shop.program.id)
        with acting(Actor("key_ada", NOW)):
            found, is_new = partner_findings.dismiss(stores, shop.program, finding.key, "a fair", LATER)
            again, is_newer = partner_findings.dismiss(stores, shop.program, finding.key, "or not", LATER)
        assert (found.dismissal, is_new) == (Dismissal("key_ada", "a fair", LATER), True)
        assert (again, is_newer) == (found, False)
        reconcile(stores, LATER)
        later = shop.sell(stores, LATER).id
        for one in (booked, fresh, later):
            sale = settled(stage, shop, one, LATER)
            assert sale.state is State.PENDING
            assert sum(e.commission_minor for e in sale.booked.entries) == 1_000
        assert settled(stage, shop, fresh, LATER).booked.entries[0].booked_at == LATER
        assert [f.dismissal for f in stores.fraud.findings(shop.program.id)] == [found.dismissal]
        assert stores.fraud.findings_page(shop.program.id, 5, None)[0] == [found]
        (logged,) = (
            r for r in stores.trail.page(shop.program.id, None, None, 9, None)[0] if r.actor == "key_ada"
        )
        assert (logged.change.what, logged.change.after) == ("finding", {"dismissed": "a fair"})
        checks = conversions.explain(stores, stores.conversions.find(booked)).checks
        assert [(c.name, c.passed) for c in checks if c.version] == [("flooding", True)]
        assert audit(stores, shop.program).problems == []

    def test_a_dismissal_says_why_and_of_what(self, stage) -> None:
        shop, stores = scene.make(stage.stores), stage.stores
        for key in ("2026-09#flooding#anna", "", "x" * 5_000):
            with pytest.raises(NotFound):
                partner_findings.dismiss(stores, shop.program, key, "because", NOW)
        self.flooding(stage, shop)
        (finding,) = look(stores, rules_of(stores, shop.program.id), NOW)
        for reason in (" ", "x" * 301):
            with pytest.raises(Invalid, match="reason"):
                partner_findings.dismiss(stores, shop.program, finding.key, reason, NOW)

    def test_what_is_found_next_month_stops_sales_again(self, stage) -> None:
        shop, stores = scene.make(stage.stores), stage.stores
        switch_on(stage, shop, flooding="hold")
        self.flooding(stage, shop)
        sale = shop.sell(stores, NOW + timedelta(days=20)).id
        (first,) = look(stores, rules_of(stores, shop.program.id), NOW)
        partner_findings.dismiss(stores, shop.program, first.key, "a fair", NOW)
        assert settled(stage, shop, sale).state is State.PENDING
        october = NOW + timedelta(days=21)
        count(stage, shop.program.id, "anna", "2026-10-01", clicks=1_000)
        assert reconcile(stores, october).findings == 1
        assert settled(stage, shop, sale, october).state is State.HELD

    def test_a_failure_of_the_rules_stops_no_settlement(self, stage, monkeypatch) -> None:
        shop = scene.make(stage.stores)
        sold = shop.sell(stage.stores, NOW).id

        def fail(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr("chalicelib.services.fraud_looking.look", fail)
        assert reconcile(stage.stores, NOW).booked == 1
        assert stage.stores.conversions.find(sold).state is State.PENDING


class TestEnrolling:
    def enroll(self, stage, shop, email: str = "eve@mailinator.com", name: str = "eve"):
        partners.create(stage.stores, Partner(name, "Eve", email, NOW))
        return partners.enroll(stage.stores, shop.program.id, name, NOW)

    def test_a_throw_away_address_is_found_and_lets_the_partner_in(self, stage) -> None:
        shop = scene.make(stage.stores)
        assert self.enroll(stage, shop)[2]
        found = list(stage.stores.fraud.findings(shop.program.id))
        assert [(f.partner, f.rule, f.action) for f in found] == [("eve", "disposable_email", "flag")]

    def test_an_honest_address_is_not(self, stage) -> None:
        shop = scene.make(stage.stores)
        self.enroll(stage, shop, "eve@gmail.com")
        assert list(stage.stores.fraud.findings(shop.program.id)) == []

    def test_where_the_rule_rejects_nobody_enrols_so(self, stage) -> None:
        shop = scene.make(stage.stores)
        switch_on(stage, shop, disposable_email="reject")
        with pytest.raises(Invalid, match="enrollment_refused"):
            self.enroll(stage, shop)
        assert stage.stores.catalogue.find_enrollment(shop.program.id, "eve") is None

    def test_two_partners_who_are_paid_to_one_account_are_found(self, stage) -> None:
        shop = scene.make(stage.stores)
        for name in ("eve", "mallory"):
            self.enroll(stage, shop, f"{name}@example.com", name)
            account = Account("paypal", None, {"email": "one@example.com"})
            payouts.set_accounts(stage.stores, name, [account], NOW)
        found = list(stage.stores.fraud.findings(shop.program.id))
        assert [(f.partner, f.rule) for f in found] == [("mallory", "duplicate_account")]
        payouts.set_accounts(stage.stores, "eve", [], NOW)
        self.enroll(stage, shop, "carol@example.com", "carol")
        payouts.set_accounts(
            stage.stores, "carol", [Account("paypal", None, {"email": "two@example.com"})], NOW
        )
        assert len(list(stage.stores.fraud.findings(shop.program.id))) == 1

    def test_an_erased_partners_account_is_nobodys(self, stage) -> None:
        shop = scene.make(stage.stores)
        account = Account("paypal", None, {"email": "one@example.com"})
        self.enroll(stage, shop, "eve@example.com", "eve")
        payouts.set_accounts(stage.stores, "eve", [account], NOW)
        erasures.erase_partner(stage.stores, ADMIN, "eve", NOW)
        self.enroll(stage, shop, "carol@example.com", "carol")
        payouts.set_accounts(stage.stores, "carol", [account], NOW)
        assert list(stage.stores.fraud.findings(shop.program.id)) == []
