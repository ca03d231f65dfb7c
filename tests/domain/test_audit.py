"""What the audit log holds of a change."""

from chalicelib.domain.audit import HIDDEN, MAX_VALUES_BYTES, Change, as_logged


def test_an_edit_is_logged_by_what_differs() -> None:
    before = {"name": "Acme", "late_days": 3, "fallback_url": "https://a.example/"}
    logged = as_logged(Change("program", "acme", "acme", before, {"name": "Acme", "late_days": 5}))
    assert logged.action == "changed"
    assert logged.before == {"late_days": 3, "fallback_url": "https://a.example/"}
    assert logged.after == {"late_days": 5}


def test_what_is_made_and_removed_is_logged_whole() -> None:
    assert as_logged(Change("coupon", "A", "acme", None, {"code": "A"})).after == {"code": "A"}
    removed = as_logged(Change("coupon", "A", "acme", {"code": "A"}, None))
    assert (removed.action, removed.before, removed.after) == ("removed", {"code": "A"}, None)


def test_secrets_and_people_are_hidden_but_not_that_they_changed() -> None:
    old, new = {"digest": "1", "name": "Key"}, {"digest": "2", "name": "Key"}
    logged = as_logged(Change("key", "key_a", "acme", old, new))
    assert (logged.before, logged.after) == ({"digest": HIDDEN}, {"digest": HIDDEN})
    partner = {"id": "anna", "name": "Anna Arendt", "email": "anna@example.com"}
    assert as_logged(Change("partner", "anna", "acme", None, partner)).after == {
        "id": "anna",
        "name": HIDDEN,
        "email": HIDDEN,
    }


def test_values_too_long_for_the_log_leave_their_digest() -> None:
    logged = as_logged(Change("terms", "1", "acme", None, {"groups": "x" * MAX_VALUES_BYTES}))
    assert logged.after is not None
    assert set(logged.after) == {"sha256", "bytes"}
