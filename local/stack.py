"""The whole stack in one process: engine, stage, app, workers, schedules, sweep and front."""

import fcntl
import json
import os
import threading
import uuid
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local import provision
from local.clock import LocalClock
from local.engine import REGION, Engine
from local.front import Front, Route
from local.functions import Functions, QueueSource, Schedule, StreamSource, api_route
from local.gateway import Answer, Request
from local.inside import local_route
from local.mail import SENDER, Mailbox
from local.schedules import Schedules
from local.sweep import Sweeper
from local.workers import Progress, QueueWorker, StreamWorker, Worker, Workers

PREFIX = "linkledger-local"

ENVIRONMENT = "environment.json"
"""Where in its folder a running stack tells its variables to the command line."""

_SETTINGS = {
    "CALLS_ITSELF": "yes",
    "LEDGER_SHARDS": "1",
    "MAIL_FROM": SENDER,
    "POWERTOOLS_METRICS_DISABLED": "true",
    "POWERTOOLS_LOG_LEVEL": "WARNING",
}
"""One machine gains nothing from several shards, and a ledger in one file is easier to read; links and shops
are on it, too."""


class FolderInUse(Exception):
    """Another stack keeps its data in the same folder."""


class Stack:
    """One running stack with its data in `folder`; the app is imported at its start, into this process.

    An `engine` that is given runs already, may serve other stacks too, and goes on when this one stops.
    """

    def __init__(self, folder: Path, port: int, engine: Engine | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUse(f"another stack is running in {folder}") from None
        self.is_new = not (folder / "engine" / "state").exists()
        self.front = Front(port)
        self.url = f"http://127.0.0.1:{self.front.port}"
        self._owns_engine = engine is None
        self._engine = engine or Engine(folder / "engine")
        self.clock = LocalClock(folder / "clock.json")
        self._mailbox = Mailbox(self.clock, lambda text: print(text, flush=True))

    def start(self) -> None:
        """Start everything; the port answers when this returns."""
        if self._owns_engine:
            self._engine.start()
        self._environment = provision.stage(
            self._engine.client, prefix=PREFIX, base_url=self.url, region=REGION
        )
        variables = self._engine.environment | self._environment | _SETTINGS
        os.environ.update(variables)
        (self._folder / ENVIRONMENT).write_text(json.dumps(variables, indent=2))
        from app import app
        from chalicelib import bootstrap
        from chalicelib.storage import aws

        bootstrap.set_clock(self.clock)
        self._mailbox.attach(aws.session())
        self.admin_key = self._admin_key()
        self.pages = [page for page in ("/portal", "/console") if page in app.routes]
        self._functions = Functions(app)
        self._start_parts()
        inside = local_route(
            self.clock,
            self.run_job,
            self._read_object,
            self._sweeper.clock_moved,
            self._write_object,
            self._mailbox,
        )
        self.front.routes = (inside, self._waking(api_route(app)))
        threading.Thread(target=self.front.serve_forever, args=(0.05,), name="front", daemon=True).start()

    def stop(self) -> None:
        """Finish what is under way, then end everything; all that was acknowledged is kept."""
        self.front.finish()
        self._schedules.stop()
        self._sweeper.stop()
        self._workers.stop()
        (self._folder / ENVIRONMENT).unlink(missing_ok=True)
        if self._owns_engine:
            self._engine.stop()
        self._lock.close()

    def drain(self) -> None:
        """Have the workers process all that lies in streams and queues."""
        self._workers.drain()

    def run_job(self, function: str) -> Any:
        """Run a scheduled function now, with everything before and after it processed; its answer."""
        self.drain()
        now = self.clock()
        answer = self._functions.invoke(
            function,
            {
                "version": "0",
                "id": str(uuid.uuid4()),
                "detail-type": "Scheduled Event",
                "source": "aws.events",
                "account": "000000000000",
                "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
                "region": REGION,
                "resources": [f"arn:aws:events:{REGION}:000000000000:rule/{function}"],
                "detail": {},
            },
        )
        self.drain()
        self._engine.save()
        return answer

    def _start_parts(self) -> None:
        sources = self._functions.sources()
        progress, invoke = Progress(self._engine), self._functions.invoke
        workers: list[Worker] = [
            *(
                StreamWorker(self._engine, s, progress, invoke)
                for s in sources
                if isinstance(s, StreamSource)
            ),
            *(QueueWorker(self._engine, s, invoke) for s in sources if isinstance(s, QueueSource)),
        ]
        self._workers = Workers(workers)
        self._schedules = Schedules(
            [source for source in sources if isinstance(source, Schedule)],
            self.run_job,
            lambda: self.clock.stands_still,
            self._folder / "schedules.json",
        )
        expiring = provision.expiring_tables(PREFIX, self.url, REGION)
        self._sweeper = Sweeper(self._engine, expiring, self.clock)
        for part in (self._workers, self._schedules, self._sweeper):
            part.start()

    def _waking(self, route: Route) -> Route:
        """The route, after whose answers the workers look for news."""

        def answer(request: Request) -> Answer | None:
            answered = route(request)
            self._workers.wake()
            return answered

        return answer

    def _admin_key(self) -> str:
        """The key in `admin-key`, made at the first start; registered again where the engine lost it."""
        from chalicelib import bootstrap
        from chalicelib.services import keys

        path = self._folder / "admin-key"
        if not path.exists():
            fresh = path.with_suffix(".new")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(keys.new_text() + "\n")
            fresh.replace(path)
        text = path.read_text().strip()
        keys.bootstrap_admin(bootstrap.stores(), text, bootstrap.now())
        return text

    def _write_object(self, key: str, body: bytes) -> None:
        self._engine.client("s3").put_object(Bucket=self._environment["LEDGER_BUCKET"], Key=key, Body=body)
        self._workers.wake()

    def _read_object(self, key: str) -> tuple[bytes, str] | None:
        s3 = self._engine.client("s3")
        try:
            found = s3.get_object(Bucket=self._environment["LEDGER_BUCKET"], Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 404}:
                return None
            raise
        return found["Body"].read(), found.get("ContentType", "binary/octet-stream")
