"""The embedded engine (ministack, in an environment of its own): start it, reach it, stop it.

It serves DynamoDB and its streams, S3, SQS and Secrets Manager on one port of the loopback interface.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from botocore.config import Config
from botocore.session import Session

REGION = "us-east-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
}
"""What every client of the engine says; the engine checks none of it."""

_ROOT = Path(__file__).parent.parent
_PROGRAM = Path(__file__).parent / "engine_process.py"
_STOP_S = 30
_START_S = 20


class EngineFailed(Exception):
    """The engine did not start; carries the end of what it printed."""


class Engine:
    """One engine process. With a `folder` it keeps its data there, else in memory alone.

    Where another process has started it, its `port` is enough to reach it.
    """

    def __init__(self, folder: Path | None = None, port: int = 0, log: Path | None = None) -> None:
        self._folder = folder
        self._log = log or (folder / "engine.log" if folder else None)
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, Any] = {}
        self._port = port

    @property
    def url(self) -> str:
        """Where it listens, such as `http://127.0.0.1:43121`."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead every AWS client of a process here."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL": self.url, "AWS_EC2_METADATA_DISABLED": "true"}

    def start(self) -> "Engine":
        """Start it and wait until it answers.

        Raises:
            EngineFailed: it ended, or did not answer in time.
        """
        listening = socket.create_server(("127.0.0.1", self._port), backlog=256)
        self._port = listening.getsockname()[1]
        if self._log:
            self._log.parent.mkdir(parents=True, exist_ok=True)
        with listening, open(self._log or os.devnull, "wb") as output:
            self._process = subprocess.Popen(
                [str(_python()), str(_PROGRAM), str(listening.fileno())],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._process_environment(),
                pass_fds=[listening.fileno()],
                # Signals to the stack's group, such as Ctrl-C, are not for it: the stack stops it in turn.
                start_new_session=True,
            )
        self._wait()
        return self

    def stop(self) -> None:
        """Let it save and end."""
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Nothing is answered, and no connection refused, as long as this lasts."""
        if self._process is None:
            raise ValueError("the engine is another process's")
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def save(self) -> None:
        """Have everything acknowledged so far on disk before this returns."""
        urlopen(Request(f"{self.url}/_engine/save", method="POST"), timeout=60).close()

    def drop_records(self, table: str, through: str) -> None:
        """Forget the table's stream records up to this sequence number: every worker is done with them."""
        query = urlencode({"table": table, "through": through})
        urlopen(Request(f"{self.url}/_engine/drop?{query}", method="POST"), timeout=30).close()

    def client(self, service: str) -> Any:
        """A botocore client of the engine, whatever the environment says."""
        if service not in self._clients:
            self._clients[service] = Session().create_client(
                service,
                region_name=REGION,
                endpoint_url=self.url,
                aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
                config=Config(
                    connect_timeout=2,
                    read_timeout=30,
                    max_pool_connections=20,
                    s3={"addressing_style": "path"},
                ),
            )
        return self._clients[service]

    def __enter__(self) -> "Engine":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _process_environment(self) -> dict[str, str]:
        settings = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": os.environ.get("HOME", "/"),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self._port),
            "MINISTACK_HOST": "127.0.0.1",
            "SERVICES": "dynamodb,dynamodbstreams,s3,sqs,secretsmanager",
            "LOG_LEVEL": "WARNING",
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "DOCKER_HOST": "unix:///nonexistent",
        }
        if self._folder is not None:
            settings |= {
                "PERSIST_STATE": "1",
                "STATE_DIR": str(self._folder / "state"),
                "S3_PERSIST": "1",
                "S3_DATA_DIR": str(self._folder / "s3"),
            }
        return settings

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                urlopen(f"{self.url}/_engine/ready", timeout=_START_S).close()
            except (URLError, OSError):
                time.sleep(0.02)
            else:
                return
        self.kill()
        said = self._log.read_text(errors="replace")[-2000:] if self._log else ""
        raise EngineFailed(f"the embedded engine did not start\n{said}")


def _python() -> Path:
    found = _ROOT / ".venv-engine" / "bin" / "python"
    if not found.exists():
        raise EngineFailed("the engine's environment is missing: run `make .venv-engine/ready`")
    return found
