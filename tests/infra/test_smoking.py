"""The smoke test, over HTTP, against the app on the engine: what it says, and what it leaves behind."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

import app
from chalicelib.domain.credentials import Scope
from chalicelib.services.close import close_months
from chalicelib.services.reconcile import reconcile
from chalicelib.services.trials import LASTS, trial
from chalicelib.storage import aws
from infra import first_keys, smoking
from infra.account import DeployError
from local.engine import Engine
from local.front import Front
from local.functions import api_route
from tests.conftest import Stage

NOW = datetime.now(UTC)
STAGES = ["setup", "click", "landing", "conversion", "retry", "refund"]
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def url(stage: Stage) -> Iterator[str]:
    """Where the app answers, with this process's stage behind it."""
    front = Front(0, api_route(app.app))
    threading.Thread(target=front.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{front.port}"
    front.finish()


def left(stage: Stage) -> set[str]:
    """The keys of all items but those that go by themselves: a check-up's, a key's meter."""
    return {
        f"{name} {item['pk']['S']} {item['sk']['S']}"
        for name in ("links", "clicks", "conversions", "identities", "journal", "catalogue", "counts")
        for item in aws.client("dynamodb").scan(TableName=stage.settings.table(name))["Items"]
        if name != "counts" or "expires_at" not in item
    }


def variables(stage: Stage, engine: Engine) -> dict[str, str]:
    return engine.environment | stage.environment


def test_it_walks_from_click_to_refund_and_leaves_nothing_however_often(
    stage: Stage, url: str, engine: Engine
) -> None:
    before = left(stage)
    for _ in range(2):
        said: list[str] = []
        smoking.try_stage(variables(stage, engine), url, NOW, said.append)
        assert [line.split()[1] for line in said if line.startswith(("  ok", "  warn"))] == STAGES
        assert "works, from click to refund" in said[-1]
        assert left(stage) == before
    assert close_months(stage.stores, NOW + timedelta(days=70)) == ([], [])
    assert list(stage.stores.bucket.keys("")) == []
    reconcile(stage.stores, NOW)
    assert {one for one in left(stage) - before if "reconciled" not in one} == set()
    assert first_keys.first_admin_key(variables(stage, engine), NOW) is not None
    assert first_keys.first_admin_key(variables(stage, engine), NOW) is None
    assert first_keys.admin_key(variables(stage, engine), NOW) is not None
    assert len(stage.stores.credentials.keys_page(10, None)[0]) == 2


def test_it_says_which_stage_failed_and_leaves_nothing_then(stage: Stage, url: str, engine: Engine) -> None:
    before = left(stage)
    said: list[str] = []
    with trial(stage.stores, url, NOW) as ready:
        aws.client("dynamodb").update_item(
            TableName=stage.settings.table("catalogue"),
            Key={"pk": {"S": f"program#{ready.program}"}, "sk": {"S": "program"}},
            UpdateExpression="SET default_url = :lost",
            ExpressionAttributeValues={":lost": {"S": f"{url}/no/such/page"}},
        )
        with pytest.raises(DeployError, match=r"not work: landing \(the landing page can't be opened"):
            smoking.try_program(url, ready.program, ready.key, said.append)
    assert "  FAIL landing" in said
    with pytest.raises(DeployError, match="can't be tried"):
        smoking.try_stage(variables(stage, engine), NOBODY, NOW, said.append)
    assert left(stage) == before


def test_a_trial_is_in_no_list_and_its_key_opens_nothing_else_and_ends(stage: Stage) -> None:
    stores = stage.stores
    with trial(stores, NOBODY, NOW) as ready:
        key = stores.credentials.find_key(f"key_{ready.key.split('_')[1]}")
        assert key is not None
        assert (key.scopes, key.program) == ({Scope.MERCHANT}, ready.program)
        assert not key.is_live(NOW + LASTS)
        assert list(stores.catalogue.programs()) == []
        assert stores.credentials.keys_page(10, None) == ([], None)


def test_what_a_killed_deployment_left_goes_with_a_later_one(stage: Stage) -> None:
    before = left(stage)
    killed = trial(stage.stores, NOBODY, NOW)
    killed.__enter__()
    with trial(stage.stores, NOBODY, NOW + timedelta(minutes=5)):
        assert len(stage.stores.trials.all()) == 2, "another deployment may be at it"
    with trial(stage.stores, NOBODY, NOW + LASTS + timedelta(minutes=1)):
        assert len(stage.stores.trials.all()) == 1
    assert left(stage) == before


def test_an_app_that_does_not_answer_is_told() -> None:
    with pytest.raises(DeployError, match=f"{NOBODY}/v1/openapi.json"):
        smoking.check_answers(NOBODY)


def test_an_address_that_leads_elsewhere_is_told(url: str) -> None:
    smoking.check_answers(url)
    with pytest.raises(DeployError, match=r"/elsewhere/v1/openapi\.json answered 403"):
        smoking.check_answers(f"{url}/elsewhere")
