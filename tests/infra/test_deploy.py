"""A real deployment, again, renamed and taken down, against a stand-in for the account."""

import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.awslambda.models import lambda_backends
from moto.core import DEFAULT_ACCOUNT_ID

from infra import costs, edges, live_settings, restore
from infra.account import Account, DeployError, check_python
from infra.deploy import check, main, run
from infra.deployment import Deployment
from infra.destroy import destroy
from infra.project import ROOT
from infra.rollback import rollback
from infra.status import status
from tests.infra import moto_account

STAGE, PREFIX = "trial", "linkledger-trial"
EVERYTHING_BUT_REQUESTS = ("check", "base", "keys", "app", "settings", "edge", "admin")
CONFIG = json.loads((ROOT / ".chalice" / "config.json").read_text())


class Deployed:
    """One stage in the stand-in, deployed twice; `first` and `again` are what was said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "source"
        for name in ("chalicelib", ".chalice", "infra", "docs"):
            shutil.copytree(ROOT / name, self.source / name)
        for name in ("app.py", "requirements.txt"):
            shutil.copyfile(ROOT / name, self.source / name)
        self.first = self.run(*EVERYTHING_BUT_REQUESTS)
        self.before = self.shape()
        self.again = self.run(*EVERYTHING_BUT_REQUESTS)

    def target(self, said: list[str] | None = None, **options: str) -> Deployment:
        """The stage as a fresh process sees it."""
        say = [].append if said is None else said.append
        return Deployment(STAGE, Account(), options, ROOT / "build", self.source, say)

    def run(self, *steps: str, **options: str) -> list[str]:
        said: list[str] = []
        run(self.target(said, **options), steps)
        return said

    def shape(self) -> dict[str, Any]:
        """What there is of the app, by the ids that must not change."""
        account = Account()
        functions = account.client("lambda").list_functions()["Functions"]
        mappings = account.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        return {
            "apis": [api["id"] for api in account.client("apigateway").get_rest_apis()["items"]],
            "code": {one["FunctionName"]: one["CodeSha256"] for one in functions},
            "mappings": sorted(one["UUID"] for one in mappings),
            "rules": sorted(rule["Name"] for rule in account.client("events").list_rules()["Rules"]),
            "secret": account.client("secretsmanager").get_secret_value(SecretId=f"{PREFIX}/keys")[
                "SecretString"
            ],
        }


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with moto_account.account() as url, pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }.items():
            patch.setenv(name, value)
        yield Deployed(tmp_path_factory.mktemp("deployed"))


def test_every_function_is_there_and_knows_its_stage(deployed: Deployed) -> None:
    functions = Account().client("lambda").list_functions()["Functions"]
    expected = {name for name in CONFIG["lambda_functions"] if name != "api_handler"}
    assert {one["FunctionName"] for one in functions} == {PREFIX} | {f"{PREFIX}-{name}" for name in expected}
    for function in functions:
        variables = function["Environment"]["Variables"]
        assert variables["TABLE_PREFIX"] == PREFIX
        assert variables["LEDGER_BUCKET"] == f"{PREFIX}-ledger-123456789012-eu-west-1"
        assert len(variables["ORIGIN_SECRET"]) >= 32
        assert not [value for value in variables.values() if "000000000000" in value]


def test_policies_name_the_stage(deployed: Deployed) -> None:
    iam = Account().client("iam")
    for role in iam.list_roles()["Roles"]:
        for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            document = json.dumps(iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name))
            assert "linkledger-dev" not in document
            assert "000000000000" not in document


def test_the_api_has_every_route(deployed: Deployed) -> None:
    import app

    [api] = deployed.before["apis"]
    assert Account().client("apigateway").get_rest_api(restApiId=api)["name"] == PREFIX
    resources = Account().client("apigateway").get_resources(restApiId=api, limit=500)["items"]
    assert {one["path"] for one in resources} >= set(app.app.routes)


def test_deploying_again_changes_nothing(deployed: Deployed) -> None:
    assert deployed.shape() == deployed.before
    assert "  linkledger-trial: nothing changes" in deployed.again
    assert "  keys: there already" in deployed.again


def test_it_says_what_the_walk_through_shows(deployed: Deployed) -> None:
    """Line by line, in order, but for what needs a domain or an app that answers."""
    page = (ROOT / "docs" / "deploying.md").read_text()
    [shown] = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    elsewhere = re.compile(r"go.brand.com|answers$|  ok   |the tracking of")
    lines = [line for line in shown.replace("prod", STAGE).splitlines() if not elsewhere.search(line)]
    assert len(lines) > 10
    said = iter(deployed.first)
    for line in lines:
        pattern = re.escape(line).replace(r"\.\.\.", ".*")
        assert any(re.fullmatch(pattern, one, re.DOTALL) for one in said), line


def test_the_first_key_is_shown_once(deployed: Deployed) -> None:
    assert len([line for line in deployed.first if "first administrator's key" in line]) == 1
    assert not [line for line in deployed.again if "first administrator's key" in line]


def test_what_chalice_cannot_set_is_set(deployed: Deployed) -> None:
    target = deployed.target()
    gateway, functions = target.account.client("apigateway"), target.account.client("lambda")
    assert list(live_settings.drift(gateway, functions, target.live())) == []
    answer = gateway.get_gateway_response(
        restApiId=target.live().api, responseType="MISSING_AUTHENTICATION_TOKEN"
    )
    body = json.loads(answer["responseTemplates"]["application/json"])
    assert (answer["statusCode"], body["error"]["code"]) == ("403", "no_such_route")


def test_a_setting_that_is_gone_is_named_and_set_again(deployed: Deployed) -> None:
    target = deployed.target()
    gateway, functions = target.account.client("apigateway"), target.account.client("lambda")
    live = target.live()
    gateway.delete_gateway_response(restApiId=live.api, responseType="THROTTLED")
    [mapping, *_] = live.mappings.values()
    functions.update_event_source_mapping(UUID=mapping, FunctionResponseTypes=[])
    said = deployed.run("settings")
    assert any("THROTTLED" in line for line in said)
    assert any("FunctionResponseTypes" in line for line in said)
    assert list(live_settings.drift(gateway, functions, live)) == []


def test_the_status_names_what_drifted(deployed: Deployed) -> None:
    said: list[str] = []
    target = deployed.target(said)
    assert status(target) == 0
    target.account.client("apigateway").delete_gateway_response(
        restApiId=target.live().api, responseType="DEFAULT_5XX"
    )
    assert status(target) == 1
    assert said == ["DRIFT: answer DEFAULT_5XX is API Gateway's own; run the step `settings`"]
    deployed.run("settings")


def test_another_machine_deploys_the_same_app(deployed: Deployed, tmp_path: Path) -> None:
    target = deployed.target()
    target.build = tmp_path
    assert [target.live().api] == deployed.before["apis"]


def test_two_do_not_deploy_at_once(deployed: Deployed) -> None:
    target = deployed.target()
    with (
        target.state.locked("ada@laptop", datetime.now(UTC)),
        pytest.raises(DeployError, match="ada@laptop"),
    ):
        run(deployed.target(), ["app"])
    with target.state.locked("after", datetime.now(UTC)):
        deployed.run("unlock")
    with target.state.locked("after unlocking", datetime.now(UTC)):
        pass


def test_a_lost_record_makes_no_second_api(deployed: Deployed) -> None:
    target = deployed.target()
    s3, bucket, key = target.account.client("s3"), target.outputs["LedgerBucket"], f"deployment/{STAGE}.json"
    record = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.delete_object(Bucket=bucket, Key=key)
    with pytest.raises(DeployError, match="earlier version"):
        run(deployed.target(), ["app"])
    s3.put_object(Bucket=bucket, Key=key, Body=record)
    assert deployed.shape()["apis"] == deployed.before["apis"]


def test_deploying_the_same_again_is_the_same_release(deployed: Deployed) -> None:
    releases = deployed.target().releases
    assert releases.names() == [releases.current()]
    with pytest.raises(DeployError, match="no release before"):
        rollback(deployed.target())


def test_two_domains_are_two_edges_before_one_api(deployed: Deployed) -> None:
    edges_there = Account().client("cloudformation", "us-east-1")
    for host in ("go.brand.com", "go.other.com"):
        run(deployed.target(DOMAIN=host, CERTIFICATE=f"arn:aws:acm:us-east-1:1:certificate/{host}"), ["edge"])
    names = sorted(edges.of(edges_there, PREFIX))
    assert names == [f"{PREFIX}-edge-go-brand-com", f"{PREFIX}-edge-go-other-com"]
    said = deployed.run("edge")
    assert [line for line in said if "nothing changes" in line] == [
        f"  {name}: nothing changes" for name in names
    ]
    assert list(edges.of(edges_there, "linkledger-other")) == []


def test_a_restored_stage_with_a_renamed_job_goes_back_by_one_command_and_then_the_stage_goes(
    deployed: Deployed,
) -> None:
    first, before = deployed.target().releases.current(), _packed()
    _restore(deployed)
    _rename(deployed.source, "close_month", "close_months")
    deployed.run("base", "app", "settings", TRACING="true", RESERVED_CONCURRENCY="api_handler=50")
    shape = deployed.shape()
    assert f"{PREFIX}-close_months" in shape["code"]
    assert f"{PREFIX}-close_month" not in shape["code"]
    assert f"{PREFIX}-close_month-event" not in shape["rules"]
    assert shape["apis"] == deployed.before["apis"]
    _check_traced(deployed, True)
    assert _concurrency() == {PREFIX: 50}
    _check_streams(deployed)

    deployed.run("base", TRACING="false", RESERVED_CONCURRENCY="none")
    assert rollback(deployed.target()) == first
    back = deployed.shape()
    assert back["rules"] == deployed.before["rules"]
    assert back["apis"] == deployed.before["apis"]
    assert back["code"].keys() == deployed.before["code"].keys()
    assert _packed() == before
    _check_traced(deployed, False)
    assert _concurrency() == {}
    _check_streams(deployed)
    assert list(_drift(deployed.target())) == []
    with pytest.raises(DeployError, match="no release 2020"):
        rollback(deployed.target(), "2020")

    said: list[str] = []
    destroy(deployed.target(said))
    account = Account()
    assert account.client("lambda").list_functions()["Functions"] == []
    assert account.client("apigateway").get_rest_apis()["items"] == []
    assert account.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
    assert len(account.client("dynamodb").list_tables()["TableNames"]) >= 7
    assert f"  table {PREFIX}-journal" in said
    assert any("/ledgers/: locked" in line for line in said)
    assert list(edges.of(account.client("cloudformation", "us-east-1"), PREFIX)) == []
    with pytest.raises(DeployError, match="no app is deployed"):
        deployed.target().live()


def test_an_interpreter_that_lambda_does_not_run_is_refused() -> None:
    with pytest.raises(DeployError, match=r"Python 3\.15"):
        check_python((3, 15))


@pytest.mark.parametrize("stage", ["Dev", "1st", "a_stage", "a-name-that-is-too-long"])
def test_a_stage_whose_names_would_not_fit_is_refused(stage: str) -> None:
    with pytest.raises(DeployError, match="lower-case"):
        check(Deployment(stage, Account(), {}, ROOT / "build"))


def test_a_domain_needs_its_certificate() -> None:
    with pytest.raises(DeployError, match="go together"):
        check(Deployment("dev", Account(), {"DOMAIN": "go.example.com"}, ROOT / "build"))


def test_it_says_what_it_will_make_and_cost_first(deployed: Deployed) -> None:
    domain = {"DOMAIN": "go.brand.com", "CERTIFICATE": "arn:...", "REPLICA_REGION": "eu-central-1"}
    text = "\n".join(deployed.run("check", **domain))
    for told in (f"stack {PREFIX}:", f"{PREFIX}-edge-go-brand-com in us-east-1", "replica in eu-central-1"):
        assert told in text
    cost = (ROOT / "docs" / "cost.md").read_text()
    with_domain, without = (costs.a_month(cost, with_domain=given) for given in (True, False))
    assert 10 < without < with_domain < 60
    assert f"${with_domain:.2f} a month" in text
    for what, dollars in re.findall(r"## (.+): about (\$[0-9.]+)", cost):
        assert f"{what}: about {dollars}" in text


def test_credentials_that_are_not_taken_stop_everything(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr(Account, "client", _refusing)
    assert main(["dev", "check"]) == 1
    assert "does not take the credentials" in capsys.readouterr().err


def _check_traced(deployed: Deployed, wanted: bool) -> None:
    """Whether the API, each function and each policy are as tracing needs them."""
    account = Account()
    for function in account.client("lambda").list_functions()["Functions"]:
        assert function["TracingConfig"]["Mode"] == ("Active" if wanted else "PassThrough")
        scratch = live_settings.SCRATCH_MB.get(function["FunctionName"].rpartition("-")[2], 512)
        assert function["EphemeralStorage"]["Size"] == scratch
    live = deployed.target().live()
    stage = account.client("apigateway").get_stage(restApiId=live.api, stageName=live.api_stage)
    assert stage.get("tracingEnabled", False) is wanted
    iam = account.client("iam")
    for role in iam.list_roles()["Roles"]:
        for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
            assert ("xray:PutTraceSegments" in json.dumps(document)) is wanted


def _packed() -> dict[str, int]:
    """The files of the API's function as it is deployed, each with its checksum."""
    function = lambda_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"].get_function(PREFIX)
    with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist()}


def _concurrency() -> dict[str, int]:
    """What functions have reserved, those that have."""
    functions = Account().client("lambda")
    names = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    found = {name: functions.get_function_concurrency(FunctionName=name) for name in names}
    word = "ReservedConcurrentExecutions"
    return {name: one[word] for name, one in found.items() if word in one}


def _check_streams(deployed: Deployed) -> None:
    """Every table's stream that is now, and no other, feeds a function."""
    mappings = Account().client("lambda").list_event_source_mappings()["EventSourceMappings"]
    read = {one["EventSourceArn"] for one in mappings if "/stream/" in one["EventSourceArn"]}
    now = {value for name, value in deployed.target().outputs.items() if name.endswith("StreamArn")}
    assert read == now


def _restore(deployed: Deployed) -> None:
    """Two tables are copied, damaged and put in place again: only while everything stands still."""
    dynamodb, tables = Account().client("dynamodb"), ("conversions", "journal")
    item = {"pk": {"S": "acme#2026-10#0"}, "sk": {"S": "entry#1"}}
    for name in tables:
        dynamodb.put_item(TableName=f"{PREFIX}-{name}", Item=item)
    restore.copies(deployed.target(), datetime.now(UTC), tables)
    for name in tables:
        dynamodb.delete_item(TableName=f"{PREFIX}-{name}", Key=item)
    streams = dict(deployed.target().outputs)
    with pytest.raises(DeployError, match="take the step `stop` first"):
        restore.place(deployed.target(), tables)
    said: list[str] = []
    restore.stop(deployed.target(said))
    assert said == [f"  stopped: {name}" for name in deployed.target().live().functions]
    assert _concurrency() == dict.fromkeys(deployed.target().live().functions, 0)
    assert dynamodb.scan(TableName=f"{PREFIX}-journal")["Items"] == []
    restore.place(deployed.target(said), tables)
    assert [f"  in place: {PREFIX}-{name}" in said for name in tables] == [True, True]
    for name in tables:
        assert dynamodb.scan(TableName=f"{PREFIX}-{name}")["Items"] == [item]
        table = dynamodb.describe_table(TableName=f"{PREFIX}-{name}")["Table"]
        assert table["DeletionProtectionEnabled"]
        assert table["LatestStreamArn"] != streams[f"{name.title()}StreamArn"]


def _drift(target: Deployment) -> Iterator[str]:
    return live_settings.drift(
        target.account.client("apigateway"), target.account.client("lambda"), target.live()
    )


def _refusing(self: Account, service: str, region: str | None = None) -> Any:
    raise ClientError({"Error": {"Code": "InvalidClientTokenId", "Message": "no"}}, "GetCallerIdentity")


def _rename(source: Path, old: str, new: str) -> None:
    """Give a scheduled job another name, in its declaration and in its configuration."""
    job, config = source / "chalicelib" / "jobs" / f"{old}.py", source / ".chalice" / "config.json"
    job.write_text(job.read_text().replace(f'name="{old}"', f'name="{new}"'))
    config.write_text(config.read_text().replace(f'"{old}"', f'"{new}"'))
