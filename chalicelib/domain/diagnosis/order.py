"""The order: whether it is recorded, recognised when it is told again, and taken back."""

from chalicelib.domain.checkup import Finding, Stage, Step, step
from chalicelib.domain.diagnosis.seen import Told


def check_conversion(told: Told) -> Step:
    """Whether the order was recorded, credited, and kept apart as a test."""
    seen = {"id": told.id, "outcome": told.outcome, "state": told.state}
    if told.status not in {200, 201}:
        return step(Stage.CONVERSION, [_refused(told)], {"error": told.error})
    found = []
    if not told.is_test:
        found.append(
            Finding(
                "not_isolated",
                f"the order was recorded as a real one: void conversion {told.id}",
                "the check-up was over, or its click id was changed on the way: start another one",
            )
        )
    elif told.outcome == "unattributed":
        found.append(
            Finding("not_credited", "the order was credited to nobody", "publish terms that credit clicks")
        )
    elif told.outcome == "held":
        message = "the order is held: a commission can't be reckoned yet"
        found.append(Finding("held", message, "see the receipt's checks: a rate may be missing", fails=False))
    return step(Stage.CONVERSION, found, seen)


def check_retry(first: Told, again: Told, other: Told) -> Step:
    """Whether the same order is recognised, and another amount for it refused."""
    found = []
    if (again.status, again.id, again.duplicate) != (200, first.id, True):
        message = f"the same order again was answered {again.status} {again.id or again.error}"
        found.append(Finding("retry_not_recognised", message, "something changes the request on its way"))
    if other.status != 409:
        message = f"the same order with another amount was answered {other.status}, not 409"
        found.append(Finding("conflict_missed", message, "something changes the request on its way"))
    return step(Stage.RETRY, found, {"id": again.id, "conflict": str(other.status)})


def check_refund(told: Told, again: Told) -> Step:
    """Whether the order was taken back, once."""
    found = []
    if told.status != 201 or told.state != "reversed":
        message = f"the refund was answered {told.status} {told.state or told.error}"
        found.append(Finding("refund_failed", message, "refund with POST /v1/conversions/{id}/adjustments"))
    elif again.status != 200 or not again.duplicate:
        message = f"the same refund again was answered {again.status}"
        found.append(Finding("refund_not_recognised", message, "send the same `id` with each repetition"))
    return step(Stage.REFUND, found, {"state": told.state})


def _refused(told: Told) -> Finding:
    remedies = {
        401: "send the program's API key as `Authorization: Bearer ...`; a proxy may take the header away",
        403: "use a key of the scope `merchant` or `admin`",
        404: "the key is another program's, or the path is rewritten on its way",
        422: "the message names the field that is wrong",
    }
    remedy = remedies.get(told.status, "try again; see the app's log if it goes on")
    return Finding("conversion_refused", f"the order was answered {told.status} {told.error}", remedy)
