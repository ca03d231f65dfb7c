"""Who may call, and that refusals tell nothing."""

from typing import Any

import pytest

from chalicelib.domain.credentials import Caller, Scope
from chalicelib.domain.errors import Forbidden, NotFound, Unauthenticated
from chalicelib.services import access, keys
from tests.capturing import a_program

ALL = frozenset(Scope)


@pytest.fixture
def stores(stage: Any, clock: Any) -> Any:
    a_program(stage.stores)
    return stage.stores


def made(
    stores: Any, clock: Any, scope: Scope, program: str | None = None, partner: str | None = None
) -> str:
    return keys.create(stores, frozenset({scope}), program, partner, clock())[1]


def test_the_bearer_of_a_key_is_known_by_what_it_is_bound_to(stores: Any, clock: Any) -> None:
    merchant = made(stores, clock, Scope.MERCHANT, "acme")
    partner = made(stores, clock, Scope.PARTNER, "acme", "anna")
    shop = access.verify_key(stores, f"Bearer {merchant}", ALL, clock())
    anna = access.verify_key(stores, f"bearer {partner}", ALL, clock())
    assert shop == Caller(frozenset({Scope.MERCHANT}), "acme", key=key_id(merchant))
    assert anna == Caller(frozenset({Scope.PARTNER}), "acme", "anna", key=key_id(partner))


def key_id(text: str) -> str:
    """The id of a key, which its text carries."""
    return f"key_{text.split('_')[1]}"


def test_a_key_of_another_scope_is_forbidden(stores: Any, clock: Any) -> None:
    merchant = made(stores, clock, Scope.MERCHANT, "acme")
    with pytest.raises(Forbidden, match="scope_missing"):
        access.verify_key(stores, f"Bearer {merchant}", {Scope.ADMIN}, clock())


def test_every_refusal_is_the_same(stores: Any, clock: Any) -> None:
    key = made(stores, clock, Scope.ADMIN)
    unknown = keys.new_text()
    wrong_secret = key[:-1] + ("A" if key[-1] != "A" else "B")
    refusals = set()
    for header in (
        None,
        "",
        "Bearer",
        f"Basic {key}",
        key,
        f"Bearer {unknown}",
        f"Bearer {wrong_secret}",
        f"Bearer {key}x",
        "Bearer llk_\ud800_x",
        "Bearer " + "x" * 10_000,
    ):
        with pytest.raises(Unauthenticated) as caught:
            access.verify_key(stores, header, ALL, clock())
        refusals.add((caught.value.code, caught.value.message, caught.value.field))
    with pytest.raises(Unauthenticated) as caught:
        access.verify_signature(stores, {}, b"", None, clock())
    refusals.add((caught.value.code, caught.value.message, caught.value.field))
    assert len(refusals) == 1


def test_an_unknown_key_costs_the_same_reads_as_a_wrong_secret(
    stores: Any, clock: Any, monkeypatch: Any
) -> None:
    key = made(stores, clock, Scope.ADMIN)
    reads: list[str] = []
    find_key = stores.credentials.find_key
    monkeypatch.setattr(
        stores.credentials, "find_key", lambda key_id: (reads.append(key_id), find_key(key_id))[1]
    )
    for text in (keys.new_text(), key[:-1] + ("A" if key[-1] != "A" else "B")):
        with pytest.raises(Unauthenticated):
            access.verify_key(stores, f"Bearer {text}", ALL, clock())
    assert len(reads) == 2


def test_the_secret_of_a_key_is_not_stored(stores: Any, clock: Any) -> None:
    key = made(stores, clock, Scope.ADMIN)
    stored = repr(stores.credentials.keys_page(10, None))
    assert key.rsplit("_", 1)[-1] not in stored
    assert key.split("_", 2)[2] not in stored


def test_the_first_key_may_be_registered_again_and_again(stores: Any, clock: Any) -> None:
    text = keys.new_text()
    for _ in range(2):
        keys.bootstrap_admin(stores, text, clock())
    assert access.verify_key(stores, f"Bearer {text}", {Scope.ADMIN}, clock()).is_admin
    with pytest.raises(ValueError):
        keys.bootstrap_admin(stores, "letmein", clock())


class TestCaller:
    ADMIN = Caller(frozenset({Scope.ADMIN}))
    MERCHANT = Caller(frozenset({Scope.MERCHANT}), "acme")
    PARTNER = Caller(frozenset({Scope.PARTNER}), None, "anna")
    BOUND = Caller(frozenset({Scope.PARTNER}), "acme", "anna")

    @pytest.mark.parametrize(
        ("caller", "acme", "other"),
        [(ADMIN, True, True), (MERCHANT, True, False), (PARTNER, True, True), (BOUND, True, False)],
    )
    def test_programs_that_are_not_the_callers_do_not_exist(
        self, caller: Caller, acme: bool, other: bool
    ) -> None:
        assert caller.may_touch_program("acme") is acme
        assert caller.may_touch_program("other") is other
        if not other:
            with pytest.raises(NotFound, match="program_unknown"):
                caller.require_program("other")

    def test_a_partner_is_itself_alone(self) -> None:
        self.PARTNER.require_partner("anna")
        self.MERCHANT.require_partner("ben")
        with pytest.raises(NotFound, match="partner_unknown"):
            self.PARTNER.require_partner("ben")
