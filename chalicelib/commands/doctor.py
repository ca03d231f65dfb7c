"""`cli doctor URL`: check a program's tracking over HTTP, against any deployment, as in a merchant's CI."""

import argparse
import http.client
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from chalicelib.domain.checkup import Finding, Mark, Stage, Step
from chalicelib.domain.diagnosis.seen import Fetched, Subject, Told
from chalicelib.domain.program import Consent, Method
from chalicelib.services import walking
from chalicelib.services.walking import BROWSER, Order

KEY = "LINKLEDGER_KEY"
TIMEOUT_S = 15
PAGE_BYTES = 512 * 1024
AMOUNT_MINOR = 10_000

_SIGNS = {
    Mark.PASSED: "ok  ",
    Mark.WARNED: "warn",
    Mark.FAILED: "FAIL",
    Mark.SKIPPED: "skip",
    Mark.WAITING: "... ",
}


class CannotStart(OSError):
    """No check-up could be started."""


def register(commands: Any) -> None:
    """Add the command to the command line."""
    doctor = commands.add_parser("doctor", help="check a program's tracking, in test mode, over HTTP")
    doctor.add_argument("url", help="the deployment's address, such as https://go.brand.com")
    doctor.add_argument("--program", required=True)
    doctor.add_argument("--key", default=None, help=f"a merchant's API key; ${KEY} by default")
    doctor.add_argument("--event", help="of the test order; that of the first commission by default")
    doctor.add_argument("--destination", help="the landing page; the program's default URL by default")
    doctor.add_argument("--strict", action="store_true", help="warnings fail, too")
    doctor.add_argument("--json", action="store_true", help="print the result as JSON")
    doctor.set_defaults(run=run)


def run(wanted: argparse.Namespace) -> int:
    """0 where every stage works, 1 where one does not, 2 where no check-up could be started."""
    key, say = wanted.key or os.environ.get(KEY, ""), _silent if wanted.json else _print
    try:
        checkup, steps = check(wanted.url, wanted.program, key, say, wanted.event, wanted.destination)
    except CannotStart as error:
        print(json.dumps({"error": str(error)}) if wanted.json else error, file=sys.stderr)
        return 2
    verdict = walking.verdict(steps)
    if wanted.json:
        print(json.dumps(_as_json(checkup, verdict, steps), indent=2))
    else:
        print(f"{wanted.program}: {verdict} (check-up {checkup})")
    return 1 if verdict is Mark.FAILED or (wanted.strict and verdict is Mark.WARNED) else 0


def check(
    url: str,
    program: str,
    key: str,
    say: Callable[[str], None],
    event: str | None = None,
    destination: str | None = None,
    *,
    beside: bool = False,
) -> tuple[str, tuple[Step, ...]]:
    """Walk a program's tracking at this address, telling each stage as it is known; the check-up, the stages.

    `beside`: the address is not that of the links, and on purpose.

    Raises:
        CannotStart: no check-up could be started.
    """
    hands, shown = _OverHttp(url.rstrip("/"), program, key, beside=beside), set[Stage]()

    def tell(steps: tuple[Step, ...]) -> None:
        for step in steps:
            if step.mark is not Mark.WAITING and step.stage not in shown:
                shown.add(step.stage)
                for line in _lines(step):
                    say(line)

    checkup, subject, order = hands.start(event, destination)
    link = f"{hands.base}/{checkup['code']}"
    return checkup["id"], walking.walk(link, subject, order, checkup["setup"], hands, tell)


def _lines(step: Step) -> Iterator[str]:
    yield f"{_SIGNS[step.mark]} {step.stage}"
    for finding in step.findings:
        yield f"       {finding.code}: {finding.message}"
        yield f"       -> {finding.remedy}"


def _print(line: str) -> None:
    print(line, flush=True)


def _silent(_line: str) -> None:
    """Say nothing."""


def _as_json(checkup: str, verdict: Mark, steps: tuple[Step, ...]) -> dict[str, Any]:
    stages = [
        {
            "stage": step.stage,
            "state": step.mark,
            "findings": [asdict(finding) for finding in step.findings],
            "seen": dict(step.seen),
        }
        for step in steps
    ]
    return {"checkup": checkup, "state": verdict, "stages": stages}


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class _OverHttp:
    """Reaches everything over HTTP, as visitors and shops do."""

    def __init__(self, base: str, program: str, key: str, *, beside: bool) -> None:
        self.base = base
        self._beside = beside
        self._program = program
        self._key = key
        self._opener = urllib.request.build_opener(_Stay)

    def start(self, event: str | None, destination: str | None) -> tuple[dict[str, Any], Subject, Order]:
        """A check-up that watches, what it is of, and the order to tell.

        Raises:
            CannotStart: with what is wrong.
        """
        if urlsplit(self.base).scheme not in {"http", "https"}:
            raise CannotStart("the address must begin with https:// (or http:// for a local stack)")
        program = self._ask("GET", f"/v1/programs/{self._program}")
        body = {"walk": False, "event": event, "destination": destination}
        wanted = {name: value for name, value in body.items() if value is not None}
        checkup = self._ask("POST", f"/v1/programs/{self._program}/doctor", wanted)
        subject = Subject(
            self.base,
            program["id"],
            tuple(program["domains"]),
            program["click_param"],
            frozenset(Method(name) for name in program["methods"]),
            Consent(program["consent"]),
        )
        setup = _step(checkup["stages"][0])
        kind = event or setup.seen["event"]
        order = Order(kind, "doctor-1", AMOUNT_MINOR, program["currency"], "")
        code = checkup["url"].rpartition("/")[2]
        return (
            {"id": checkup["id"], "code": code, "setup": self._address(setup, checkup["url"])},
            subject,
            order,
        )

    def fetch(self, url: str) -> Fetched:
        return self._send(urllib.request.Request(url, headers=BROWSER))  # noqa: S310 - checked in start

    def convert(self, order: Order) -> Told:
        return self._told(
            "/v1/conversions",
            {
                "program": self._program,
                "event": order.event,
                "order_id": order.order_id,
                "amount": order.amount_minor,
                "currency": order.currency,
                "click_id": order.click_id,
            },
        )

    def refund(self, conversion: str, adjustment_id: str) -> Told:
        wanted = {"id": adjustment_id, "kind": "refund", "reason": "check-up"}
        return self._told(f"/v1/conversions/{conversion}/adjustments", wanted)

    def _address(self, setup: Step, url: str) -> Step:
        if self._beside or url.startswith(self.base + "/"):
            return setup
        found = Finding(
            "links_elsewhere",
            f"links are made for {url.rpartition('/')[0]}, and {self.base} is checked",
            "check the address that links have, or set BASE_URL to this one",
            fails=False,
        )
        mark = Mark.WARNED if setup.mark is Mark.PASSED else setup.mark
        return Step(setup.stage, mark, (*setup.findings, found), setup.seen)

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = self._call(method, path, body)
        told = _object(answer.body)
        if answer.status not in {200, 202}:
            error = told.get("error", {})
            why = answer.trouble or f"{answer.status} {error.get('code', '')} {error.get('message', '')}"
            raise CannotStart(f"{method} {self.base}{path}: {why}".rstrip())
        return told

    def _told(self, path: str, body: object) -> Told:
        answer = self._call("POST", path, body)
        told = _object(answer.body)
        return Told(
            answer.status,
            told.get("conversion") or told.get("id", ""),
            told.get("outcome", ""),
            told.get("state", ""),
            bool(told.get("duplicate")),
            bool(told.get("test")),
            answer.trouble or told.get("error", {}).get("code", ""),
        )

    def _call(self, method: str, path: str, body: object = None) -> Fetched:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        raw = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, raw, headers, method=method)  # noqa: S310 - as above
        return self._send(request)

    def _send(self, request: urllib.request.Request) -> Fetched:
        url = request.full_url
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                return Fetched(url, answer.status, tuple(answer.getheaders()), answer.read(PAGE_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                return Fetched(url, error.code, tuple(error.headers.items()), error.read(PAGE_BYTES))
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Fetched(url, trouble=str(getattr(error, "reason", error)) or type(error).__name__)


def _step(stage: Mapping[str, Any]) -> Step:
    findings = tuple(Finding(**finding) for finding in stage["findings"])
    return Step(Stage(stage["stage"]), Mark(stage["state"]), findings, stage["seen"])


def _object(raw: bytes) -> dict[str, Any]:
    try:
        told = json.loads(raw)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
