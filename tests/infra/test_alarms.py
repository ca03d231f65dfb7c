"""Alarms watch metrics that exist, and each has its runbook."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.domain.click import Verdict
from chalicelib.domain.ledger import ENTRY_COLUMNS, SUMMARY_COLUMNS
from infra.project import ROOT
from local import template

BASE = template.load(ROOT / "infra" / "base.yaml")
ALARMS = {
    name: one["Properties"]
    for name, one in BASE["Resources"].items()
    if one["Type"] == "AWS::CloudWatch::Alarm"
}
SOURCES = "\n".join(path.read_text() for path in (ROOT / "chalicelib").rglob("*.py"))
COST = (ROOT / "docs" / "cost.md").read_text()
FUNCTIONS = json.loads((ROOT / ".chalice" / "config.json").read_text())["lambda_functions"]


def metrics(alarm: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each metric that the alarm reads."""
    if "MetricName" in alarm:
        yield alarm
    for one in alarm.get("Metrics", []):
        if "MetricStat" in one:
            yield one["MetricStat"]["Metric"]


def is_counted(outcome: str) -> bool:
    """Whether the source counts this outcome, by its name or by the constant that holds it."""
    return f'"{outcome}"' in SOURCES and "observe.count(" in SOURCES


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_has_a_runbook(name: str) -> None:
    short = ALARMS[name]["AlarmName"]["Fn::Sub"].removeprefix("${Prefix}-")
    assert f"\n## {short}\n" in (ROOT / "docs" / "runbooks.md").read_text()
    assert ALARMS[name]["AlarmDescription"].endswith(f"docs/runbooks.md#{short}")


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_watches_what_this_stage_counts(name: str) -> None:
    for metric in metrics(ALARMS[name]):
        dimension, *_ = metric["Dimensions"]
        if metric["Namespace"] == "Linkledger":
            assert dimension == {"Name": "service", "Value": {"Ref": "Prefix"}}
            assert is_counted(metric["MetricName"]), metric["MetricName"]
        if dimension["Name"] == "FunctionName" and dimension["Value"] != {"Ref": "Prefix"}:
            assert dimension["Value"]["Fn::Sub"].removeprefix("${Prefix}-") in FUNCTIONS


def test_a_metric_that_nobody_counts_is_noticed() -> None:
    assert not is_counted("conversion_misplaced")


def test_every_job_is_watched_for_errors() -> None:
    watched = {
        metric["Dimensions"][0]["Value"]["Fn::Sub"].removeprefix("${Prefix}-")
        for metric in metrics(ALARMS["JobErrorsAlarm"])
    }
    assert watched == set(FUNCTIONS) - {"api_handler"}


@pytest.mark.parametrize("kind", ["Read", "Write"])
def test_every_table_and_every_index_is_watched_for_throttles(kind: str) -> None:
    watched = [
        tuple(
            one["Value"] if isinstance(one["Value"], str) else one["Value"]["Ref"] for one in m["Dimensions"]
        )
        for m in metrics(ALARMS[f"{kind}sThrottledAlarm"])
        if m["MetricName"] == f"{kind}ThrottleEvents"
    ]
    tables = {
        name: one["Properties"]
        for name, one in BASE["Resources"].items()
        if one["Type"] == "AWS::DynamoDB::Table"
    }
    indexes = [
        (name, index["IndexName"])
        for name, table in tables.items()
        for index in table.get("GlobalSecondaryIndexes", [])
    ]
    assert sorted(watched) == sorted([*((name,) for name in tables), *indexes])


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_adds_up_every_metric_that_it_reads_and_no_more_than_cloudwatch_takes(name: str) -> None:
    read = [one["Id"] for one in ALARMS[name].get("Metrics", []) if "MetricStat" in one]
    added = [
        found
        for one in ALARMS[name].get("Metrics", [])
        for found in re.findall(r"FILL\((m\d+),", one.get("Expression", ""))
    ]
    assert sorted(added) == sorted(read)
    assert len(read) <= 10


def test_what_alarms_cost_is_said() -> None:
    read = sum(len(list(metrics(alarm))) for alarm in ALARMS.values())
    [(number, dollars)] = re.findall(r"\| alarms, .*, (\d+) at 0\.10 \| ([0-9.]+) \|", COST)
    assert int(number) == read
    assert float(dollars) == pytest.approx(read * 0.10)


def test_every_queue_of_given_up_messages_is_watched() -> None:
    watched = {m["Dimensions"][0]["Value"]["Fn::GetAtt"][0] for m in metrics(ALARMS["DeadLettersAlarm"])}
    assert watched == {
        name
        for name, one in BASE["Resources"].items()
        if one["Type"] == "AWS::SQS::Queue" and "RedrivePolicy" not in one["Properties"]
    }


def test_the_dashboard_shows_what_is_counted() -> None:
    body = BASE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    shown = [
        row[1]
        for widget in json.loads(body)["widgets"]
        for row in widget["properties"]["metrics"]
        if row[0] == "Linkledger"
    ]
    verdicts = {f"click_{verdict}" for verdict in Verdict}
    for outcome in shown:
        assert is_counted(outcome) or outcome in verdicts, outcome


def test_athena_names_the_columns_as_the_files_do() -> None:
    for table, expected in (("LedgerLines", ENTRY_COLUMNS), ("LedgerBalances", SUMMARY_COLUMNS)):
        columns = BASE["Resources"][table]["Properties"]["TableInput"]["StorageDescriptor"]["Columns"]
        assert tuple(column["Name"] for column in columns) == expected, table


def test_the_template_fits_into_one_request() -> None:
    for path in (ROOT / "infra").glob("*.yaml"):
        assert len(path.read_bytes()) < 51_200, path.name
