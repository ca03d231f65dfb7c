"""The commands that documents name exist, with their options: those of make, of AWS and of the doctor."""

import re
import subprocess
from collections.abc import Iterator

import botocore.session
import pytest
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel

from tests.docs.blocks import PAGES, ROOT, all_blocks

_INLINE = re.compile(r"`([^`]+)`")
_MAKE = re.compile(r"^(?:\w+=\S+ )*make (?=[A-Za-z])")
_AWS = re.compile(r"\baws ([a-z0-9]+) ([a-z-]+)((?:\\\n|[^\n|`)])*)")
_OF_EVERY_COMMAND = {"region", "query", "output", "profile"}
_RENAMED = {("sns", "subscribe"): {"notification-endpoint"}}
"""What the command line calls otherwise than the service (aws-cli, customizations/argrename.py)."""

_OF_THE_COMMAND_LINE_ALONE = {("configure", "sso"), ("sso", "login"), ("logs", "tail")}


def texts() -> Iterator[str]:
    """Every block, and every bit of code in a line."""
    yield from (block.text for block in all_blocks())
    for page in PAGES:
        outside = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        yield from _INLINE.findall(outside)


def commands_of_make() -> set[str]:
    lines = (line.split("#")[0].strip() for text in texts() for line in text.splitlines())
    return {line for line in lines if _MAKE.match(line) and "..." not in line}


@pytest.mark.parametrize("command", sorted(commands_of_make()))
def test_a_command_of_make_is_there(command: str) -> None:
    """`make -n` knows the target; whoever reads the variables names them."""
    dry = _MAKE.sub("make -n PYTHON=python3 ", command)
    asked = subprocess.run(
        ["bash", "-uc", f"CERTIFICATE=arn; {dry}"], cwd=ROOT, capture_output=True, text=True
    )
    assert asked.returncode == 0, asked.stderr
    readers = [ROOT / "Makefile", *(ROOT / "infra").glob("*.py")]
    known = {name for path in readers for name in re.findall(r"\b[A-Z_]{4,}\b", path.read_text())}
    assert set(re.findall(r"\b([A-Z_]+)=", command)) <= known


def commands_of_aws() -> set[tuple[str, str, str]]:
    found = {match for text in texts() for match in _AWS.findall(text)}
    return {one for one in found if one[:2] not in _OF_THE_COMMAND_LINE_ALONE}


def operation(service: str, command: str, options: str) -> OperationModel:
    """What the command asks of the service."""
    session = botocore.session.get_session()
    service = {"s3api": "s3"}.get(service, service)
    if command == "wait":
        waiters = session.get_waiter_model(service)
        name = next(
            one for one in waiters.waiter_names if botocore.xform_name(one, "-") == options.split()[0]
        )
        command = botocore.xform_name(waiters.get_waiter(name).operation, "-")
    model = session.get_service_model(service)
    (name,) = [one for one in model.operation_names if botocore.xform_name(one, "-") == command]
    return model.operation_model(name)


@pytest.mark.parametrize(("service", "command", "options"), sorted(commands_of_aws()))
def test_a_command_of_aws_is_there(service: str, command: str, options: str) -> None:
    shape = operation(service, command, options).input_shape
    known = {botocore.xform_name(name, "-") for name in shape.members} if shape else set()
    known |= _OF_EVERY_COMMAND | _RENAMED.get((service, command), set())
    assert set(re.findall(r"(?<= )--([a-z-]+)", options)) <= known


def test_a_command_that_aws_lacks_is_noticed() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        operation("acm", "order-certificate", "")
    with pytest.raises(UnknownServiceError):
        operation("certificates", "request", "")
    assert len(commands_of_aws()) > 8


def test_the_doctor_is_called_alike() -> None:
    """As in docs/doctor.md, whose line a test runs; but for the key, the interpreter and the program."""
    lines = [line for block in all_blocks() for line in block.text.splitlines() if "cli doctor" in line]
    assert len(lines) > 1
    assert {re.sub(r"^\S+ \S*python|\w+$", "", line) for line in lines} == {
        " -m chalicelib.cli doctor https://go.brand.com --program "
    }
