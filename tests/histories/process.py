"""A server that is made to fail: the local stack without its engine, killed and restarted at AWS calls.

    python -m tests.histories.process '{"name": "a", "engine": 43121, "port": 8101, ...}'

It forks the stack again whenever that dies, so that a `kill -9` costs a twentieth of a second. Under
`/_histories/` it takes orders from the driver: how often calls fail, what to read back, when to end.
"""

import ctypes
import json
import mmap
import os
import random
import signal
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session
from botocore.loaders import create_loader

from local import provision, workers
from local.engine import REGION, Engine
from local.front import json_answer
from local.gateway import Answer, Request
from local.stack import PREFIX, Stack
from tests.faults.transport import Raw
from tests.histories.wire import Wire, carried

CONTROL = "/_histories/"
STARTED = "a life begins"

KINDS = {
    "throttled": 300,
    "lost_answer": 300,
    "conflict": 200,
    "never_sent": 180,
    "killed_before": 10,
    "killed_after": 10,
}
"""What goes wrong, and how often beside the others."""

_real_sleep = time.sleep


class Faults:
    """Breaks calls at random; the rate lies in memory that every fork shares."""

    def __init__(self, seed: str) -> None:
        self._shared = mmap.mmap(-1, 8)
        self._seed = seed
        self._random = random.Random(seed)
        self.rate = 0.0

    @property
    def rate(self) -> float:
        """The part of all calls that fail, from 0 to 1."""
        return float(struct.unpack("d", self._shared[:8])[0])

    @rate.setter
    def rate(self, rate: float) -> None:
        self._shared[:8] = struct.pack("d", rate)

    def begin(self, life: int) -> None:
        """Break the calls of this process from now on, otherwise than in its lives before."""
        self._random = random.Random(f"{self._seed}/{life}")
        wire, send_itself = Wire(), URLLib3Session.send

        def send(session: Any, request: Any) -> Any:
            return wire.send(request) if carried(request) else send_itself(session, request)

        URLLib3Session.send = lambda session, request: self._carry(send, session, request)
        time.sleep = lambda seconds: _real_sleep(min(seconds, 0.002))

    def _carry(self, send: Callable[..., Any], session: Any, request: Any) -> Any:
        target = request.headers.get("X-Amz-Target", b"")
        target = target.decode() if isinstance(target, bytes) else target
        rate = self.rate
        if not rate or target.startswith("DynamoDBStreams") or self._random.random() >= rate:
            return send(session, request)
        match self._random.choices([*KINDS], [*KINDS.values()])[0]:
            case "killed_before":
                os.kill(os.getpid(), signal.SIGKILL)
            case "killed_after":
                send(session, request)
                os.kill(os.getpid(), signal.SIGKILL)
            case "lost_answer":
                send(session, request)
                raise ReadTimeoutError(endpoint_url=request.url)
            case "never_sent":
                raise ReadTimeoutError(endpoint_url=request.url)
            case "conflict" if target.endswith(("TransactWriteItems", "PutItem", "UpdateItem")):
                return _refused(request, target)
        return _throttled(request, target)


def _refused(request: Any, target: str) -> AWSResponse:
    """A conflict with another transaction, as DynamoDB tells it."""
    if target.endswith("TransactWriteItems"):
        reasons = [{"Code": "TransactionConflict", "Message": "conflict"}, {"Code": "None"}]
        body = {"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"}
        body |= {"Message": "cancelled", "CancellationReasons": reasons}
    else:
        body = {"__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException"}
    return AWSResponse(request.url, 400, {}, Raw(json.dumps(body).encode()))


def _throttled(request: Any, target: str) -> AWSResponse:
    if target:
        body = b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}'
        return AWSResponse(request.url, 400, {}, Raw(body))
    body = b"<Error><Code>SlowDown</Code><Message>slow down</Message></Error>"
    return AWSResponse(request.url, 503, {"content-type": "application/xml"}, Raw(body))


def _control(faults: Faults, stack: Stack, request: Request) -> Answer | None:
    """What the driver asks for, beside what the stack answers."""
    if not request.target.startswith(CONTROL):
        return None
    from chalicelib import bootstrap
    from chalicelib.domain.period import Month
    from chalicelib.services import keeping, verifying

    what, _, rest = request.target.removeprefix(CONTROL).partition("/")
    match what:
        case "faults":
            faults.rate = json.loads(request.body)
            return json_answer({"pid": os.getpid()})
        case "drain":
            stack.drain()
            return json_answer({})
        case "replay":
            lines = request.body.decode(errors="replace").splitlines()
            return json_answer(keeping.replay(bootstrap.stores(), lines, bootstrap.now()))
        case "verify":
            program, month = rest.split("/")
            found = verifying.verify(bootstrap.stores(), program, Month.parse(month))
            return json_answer({"problems": found.problems, "entries": found.entries})
    return None


def _live(config: dict[str, Any], faults: Faults, life: int) -> None:
    """One life of the stack, until it is killed."""
    from chalicelib import bootstrap

    stack = Stack(Path(config["folder"]), config["port"], Engine(port=config["engine"]))
    stack.start()
    print(STARTED, flush=True)
    os.environ["LEDGER_SHARDS"] = str(config["shards"])
    bootstrap.stores.cache_clear()
    stack.front.routes = (lambda request: _control(faults, stack, request), *stack.front.routes)
    faults.begin(life)
    signal.pause()


def main() -> None:
    """Live, die and live again, until the driver ends."""
    config = json.loads(sys.argv[1])
    _end_with_parent()
    workers._GATHER_S = 0.5  # Most of what a busy server does were looking for news otherwise.
    loader = create_loader()
    botocore.session.create_loader = lambda _path: loader  # Read once: most of what a fresh client costs.
    engine = Engine(port=config["engine"])
    url = f"http://127.0.0.1:{config['port']}"
    os.environ.update(engine.environment)
    os.environ.update(provision.stage(engine.client, prefix=PREFIX, base_url=url, region=REGION))
    import app  # noqa: F401 - read once, for all lives

    faults = Faults(config["seed"])
    child = 0

    def end(*_: object) -> None:
        if child:
            os.kill(child, signal.SIGKILL)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    for life in range(1_000_000):
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            _end_with_parent()
            _live(config, faults, life)
        os.waitpid(child, 0)


def _end_with_parent() -> None:
    """Have the kernel kill this process when its parent is gone (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


if __name__ == "__main__":
    main()
