"""CloudFormation stacks: brought to a template, told in advance what changes, read, deleted."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from infra.account import DeployError

Say = Callable[[str], None]

_NOTHING_CHANGES = ("didn't contain changes", "No updates are to be performed")
_WAITING = {"Delay": 5, "MaxAttempts": 360}
"""Half an hour: a distribution takes some minutes to reach every edge."""


def deploy(
    cloudformation: Any, name: str, template: str, parameters: Mapping[str, str], say: Say
) -> dict[str, str]:
    """Bring the stack to the template, saying first what changes; its outputs.

    A parameter that is not given keeps its value, or has its default in a new stack.

    Raises:
        DeployError: the change set or its execution failed; the stack is then as it was.
    """
    found = _find(cloudformation, name)
    kind = "UPDATE" if found and found["StackStatus"] != "REVIEW_IN_PROGRESS" else "CREATE"
    changes = _planned(
        cloudformation,
        StackName=name,
        ChangeSetName="deploy",
        ChangeSetType=kind,
        TemplateBody=template,
        Parameters=_parameters(cloudformation, template, parameters, found),
        Capabilities=["CAPABILITY_IAM"],
        Tags=[{"Key": "linkledger", "Value": name}],
    )
    if changes is None:
        say(f"  {name}: nothing changes")
        return outputs(cloudformation, name)
    for change in changes or ["no resource, but what the stack tells of itself"]:
        say(f"  {name}: {change}")
    cloudformation.execute_change_set(StackName=name, ChangeSetName="deploy")
    _wait(cloudformation, name, f"stack_{kind.lower()}_complete")
    return outputs(cloudformation, name)


def outputs(cloudformation: Any, name: str) -> dict[str, str]:
    """The outputs of the stack by their names.

    Raises:
        DeployError: there is no such stack.
    """
    found = _find(cloudformation, name)
    if found is None:
        raise DeployError(f"there is no stack {name}: run the step that makes it first")
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def exists(cloudformation: Any, name: str) -> bool:
    """Whether there is a stack of this name."""
    return _find(cloudformation, name) is not None


def delete(cloudformation: Any, name: str) -> None:
    """Delete the stack, but for what its template retains.

    Raises:
        DeployError: a resource could not be deleted.
    """
    cloudformation.delete_stack(StackName=name)
    _wait(cloudformation, name, "stack_delete_complete")


def _find(cloudformation: Any, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return found


def _parameters(
    cloudformation: Any, template: str, given: Mapping[str, str], found: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    declared = cloudformation.get_template_summary(TemplateBody=template)["Parameters"]
    before = {parameter["ParameterKey"] for parameter in (found or {}).get("Parameters", [])}
    chosen: list[dict[str, Any]] = []
    for name in sorted(parameter["ParameterKey"] for parameter in declared):
        if name in given:
            chosen.append({"ParameterKey": name, "ParameterValue": given[name]})
        elif name in before:
            chosen.append({"ParameterKey": name, "UsePreviousValue": True})
    return chosen


def _planned(cloudformation: Any, **change_set: Any) -> list[str] | None:
    """Make the change set; what it does to resources, a line each. None where there is nothing to do.

    An option that only functions read changes an output and no resource, and has to be carried out too.
    """
    named = {"StackName": change_set["StackName"], "ChangeSetName": change_set["ChangeSetName"]}
    try:
        cloudformation.create_change_set(**change_set)
    except ClientError as error:
        _check_nothing_changes(named["StackName"], str(error))
        return None
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(
            **named, WaiterConfig={"Delay": 2, "MaxAttempts": 90}
        )
    except WaiterError as error:
        _check_nothing_changes(named["StackName"], str(error.last_response.get("StatusReason", error)))
        cloudformation.delete_change_set(**named)
        return None
    lines: list[str] = []
    pages = cloudformation.get_paginator("describe_change_set").paginate(**named)
    for page in pages:
        lines += [_line(change["ResourceChange"]) for change in page.get("Changes", [])]
    return lines


def _check_nothing_changes(name: str, reason: str) -> None:
    """Pass over a change set that is refused for being empty, and over nothing else."""
    if not any(text in reason for text in _NOTHING_CHANGES):
        raise DeployError(f"{name}: {reason}")


def _line(change: Mapping[str, Any]) -> str:
    replaced = ", REPLACED" if change.get("Replacement") == "True" else ""
    return f"{change['Action']} {change['LogicalResourceId']} ({change['ResourceType']}{replaced})"


def _wait(cloudformation: Any, name: str, waiter: str) -> None:
    try:
        cloudformation.get_waiter(waiter).wait(StackName=name, WaiterConfig=_WAITING)
    except WaiterError as error:
        raise DeployError(f"{name}: {_why(cloudformation, name) or error}") from error


def _why(cloudformation: Any, name: str) -> str:
    """What CloudFormation said of the resources that failed last."""
    try:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    except ClientError:
        return ""
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    return "; ".join(
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in failed[:5]
    )
