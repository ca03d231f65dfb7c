"""A stage in the embedded engine whose functions run from the package, each in a bare process.

It stands in for an account: API Gateway's part is played by `local/gateway.py`, over the paths that the
package itself declares.
"""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib import bootstrap
from chalicelib.services import keys
from infra.acting import acting_as
from infra.build_zip import Package
from infra.runtime import Function
from local import provision
from local.engine import REGION, Engine
from local.gateway import Answer, Request, Resources, answer_of, event_of

BROWSER = {
    "Host": "go.example.com",
    "User-Agent": (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/142.0.0.0 Safari/537.36"
    ),
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
}
PROGRAM = {
    "id": "acme",
    "name": "Acme",
    "domains": ["shop.example.com"],
    "currency": "EUR",
    "consent": "exempt",
}
TERMS = {
    "attribution": {"model": "last", "window_days": 30},
    "hold_days": 0,
    "commissions": [{"event": "sale", "kind": "percent", "rate_bp": 1000}],
}


class Deployed:
    """The functions of one package against one stage of the embedded engine."""

    def __init__(self, package: Package, task_root: Path, ric: Path, engine: Engine) -> None:
        self.template = json.loads(package.template_path.read_text())
        self.engine = engine
        self._folders = (task_root, ric)
        self.stage = provision.stage(
            engine.client,
            prefix=f"a{uuid.uuid4().hex[:12]}",
            base_url="https://go.example.com",
            region=REGION,
        )
        self.environment = engine.environment | self.stage
        self.admin_key = keys.new_text()
        self._register(self.admin_key)
        api = self.template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
        self._resources = Resources(api["paths"])
        self.api: Function | None = None
        self.code = ""

    def handlers(self) -> dict[str, str]:
        """Lambda's handler texts by the functions' names in the template."""
        return {
            name: resource["Properties"]["Handler"]
            for name, resource in self.template["Resources"].items()
            if resource["Type"] == "AWS::Serverless::Function"
        }

    def function(self, name: str, environment: Mapping[str, str] | None = None) -> Function:
        """A fresh process for the function with this name in the template."""
        task_root, ric = self._folders
        return Function(task_root, self.handlers()[name], ric, environment or self.environment)

    def http(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """A request as API Gateway passes it on, and the answer as it comes out."""
        if self.api is None:
            raise ValueError("no process serves the API")
        return answer_of(self.api.invoke(self.event(method, target, body, headers)))

    def event(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The event that API Gateway makes of a request."""
        match = self._resources.match(target.split("?")[0])
        if match is None:
            raise ValueError(f"the packaged API has no {target}")
        pairs = tuple((BROWSER if headers is None else headers).items())
        return event_of(Request(method, target, pairs, body, "198.51.100.7"), match)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """A JSON call with the administrator's key; the body of what must be a success."""
        headers = {"Authorization": f"Bearer {self.admin_key}", "Content-Type": "application/json"}
        answer = self.http(method, path, b"" if body is None else json.dumps(body).encode(), headers)
        if answer.status >= 300:
            raise ValueError(f"{method} {path}: {answer}")
        return json.loads(answer.body)

    def open_shop(self) -> None:
        """A program with terms, a partner and its link, made through the API; `code` is the link's."""
        self.call("POST", "/v1/programs", PROGRAM)
        self.call("POST", "/v1/programs/acme/terms", TERMS)
        self.call("POST", "/v1/partners", {"id": "ada", "name": "Ada", "email": "ada@example.com"})
        enrolled = self.call("POST", "/v1/programs/acme/enrollments", {"partner": "ada"})
        self.code = enrolled["link"]["code"]

    def follow_link(self, agent: str = BROWSER["User-Agent"]) -> dict[str, Any]:
        """The event of a browser that follows the shop's link."""
        return self.event("GET", f"/{self.code}", headers={**BROWSER, "User-Agent": agent})

    def _register(self, key: str) -> None:
        with acting_as(self.environment):
            keys.bootstrap_admin(bootstrap.stores(), key, datetime.now(UTC))


def header(answer: Answer, name: str) -> str:
    """The header's value, or an empty text."""
    return next((value for key, value in answer.headers if key.lower() == name.lower()), "")


def a_schedule(function: str) -> dict[str, Any]:
    """The event of a schedule that fires."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:000000000000:rule/{function}"],
        "detail": {},
    }
