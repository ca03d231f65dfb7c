"""The routes under `/_local/`: the stack's clock, jobs and bucket. The deployed app has none of them."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from chalicelib.domain.errors import Invalid, LinkledgerError
from chalicelib.domain.period import format_instant, parse_instant
from local.clock import LocalClock
from local.front import Route, error_answer, json_answer
from local.gateway import Answer, Request, split_target
from local.mail import Mailbox

_PREFIX = "/_local/"

ReadObject = Callable[[str], tuple[bytes, str] | None]
"""Bytes and content type of an object of the ledger bucket, or None."""

WriteObject = Callable[[str, bytes], None]
"""Writes an object of the ledger bucket."""


def local_route(
    clock: LocalClock,
    run_job: Callable[[str], Any],
    read_object: ReadObject,
    clock_moved: Callable[[], None],
    write_object: WriteObject,
    mailbox: Mailbox,
) -> Route:
    """Answers what is under `/_local/`.

    Args:
        clock: what `clock` sets.
        run_job: runs a function of the app by its name and gives its answer.
        read_object: what `s3/{key}` reads.
        clock_moved: called after the clock was set.
        write_object: what a PUT of `s3/inbox/{key}` drops into the bucket.
        mailbox: what `mail` shows as a page, `mail.json` as JSON.
    """

    def answer(request: Request) -> Answer | None:
        path, _ = split_target(request.target)
        if not path.startswith(_PREFIX):
            return None
        what = path.removeprefix(_PREFIX)
        if what == "clock":
            return _only("POST", request, lambda: _set_clock(clock, clock_moved, request.body))
        if what in {"jobs/reconcile", "jobs/close_month"}:
            return _only("POST", request, lambda: json_answer(run_job(what.removeprefix("jobs/"))))
        if what in {"mail", "mail.json"}:
            return _only("GET", request, lambda: mailbox.answer(as_json=what.endswith(".json")))
        if what.startswith("s3/"):
            key = unquote(what.removeprefix("s3/"))
            if request.method == "PUT" and key.startswith("inbox/"):
                write_object(key, request.body)
                return Answer(204, [], b"")
            return _only("GET", request, lambda: _object(read_object, key))
        return error_answer(404, "not_found", "there is no such local route")

    return answer


def _only(method: str, request: Request, act: Callable[[], Answer]) -> Answer:
    if request.method != method:
        return error_answer(405, "method_not_allowed", f"this path takes {method}")
    return act()


def _set_clock(clock: LocalClock, clock_moved: Callable[[], None], body: bytes) -> Answer:
    try:
        given = json.loads(body)
        if not isinstance(given, dict) or set(given) != {"now"}:
            raise Invalid("clock_invalid", 'the body must be {"now": "..."} or {"now": null}')
        text = given["now"]
        if text is not None and not isinstance(text, str):
            raise Invalid("clock_invalid", "now must be a time or null", "now")
        clock.set(parse_instant(text, "now") if text is not None else None)
    except LinkledgerError as error:
        return error_answer(422, error.code, error.message, error.field)
    except (ValueError, RecursionError):
        return error_answer(422, "clock_invalid", "the body must be JSON")
    clock_moved()
    return json_answer({"now": format_instant(clock())})


def _object(read_object: ReadObject, key: str) -> Answer:
    found = read_object(key) if key else None
    if found is None:
        return error_answer(404, "not_found", "there is no such object")
    body, content_type = found
    return Answer(200, [("Content-Type", content_type)], body)
