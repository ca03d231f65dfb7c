"""What documents offer to paste into a shell, Python or Node does what they say, on a running stack."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.contract.outside import NOVEMBER_10, Shop, Stack
from tests.docs.blocks import ROOT, snippet
from tests.node import node
from tests.services.carts import test_stripe


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("pasted") / "data")
    running.at(NOVEMBER_10)
    yield running
    running.stop()


@pytest.fixture
def shop(stack: Stack) -> Shop:
    """A program with the promo code ANNA10."""
    made = Shop(stack)
    made.coupon(made.partner(), "ANNA10").expect(201)
    return made


def here(text: str, shop: Shop) -> str:
    """The snippet with this installation and program in place of those of the documents."""
    return text.replace("https://go.brand.com", f"http://127.0.0.1:{shop.stack.port}").replace(
        "acme", shop.id
    )


def replaced(text: str, by: dict[str, str]) -> str:
    for told, meant in by.items():
        text = text.replace(told, meant)
    return text


def shell(script: str, **variables: str) -> str:
    asked = ["bash", "-euc", script]
    path = {"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"}
    return subprocess.run(
        asked, env=path | variables, check=True, capture_output=True, text=True, timeout=60
    ).stdout


def test_the_first_link_and_sale_of_the_readme(stack: Stack) -> None:
    first, _, rest = snippet("README.md", "sh", "post /v1/programs").partition("\n")
    assert first.startswith("export KEY=")
    told = shell(rest, KEY=stack.admin_key, API=f"http://127.0.0.1:{stack.port}")
    assert "ll_click=" in told
    (conversion,) = json.loads(told.strip().splitlines()[-1])["data"]
    assert (conversion["order_id"], conversion["partners"]) == ("1001", ["mia"])


def test_a_server_call(shop: Shop) -> None:
    click = shop.clicked(shop.partner("ben"))
    script = here(snippet("docs/api.md", "sh", "/v1/conversions"), shop)
    assert json.loads(shell(script, KEY=shop.stack.admin_key, LL_CLICK=click))["outcome"] == "recorded"
    script = here(snippet("docs/api.md", "sh", "/v1/identities"), shop)
    assert json.loads(shell(script, KEY=shop.stack.admin_key, LL_CLICK=click))["click_id"] == click


def test_the_python_client(shop: Shop) -> None:
    text = here(snippet("docs/clients.md", "python"), shop).replace("key)", "sys.argv[1])", 1)
    asked = [sys.executable, "-c", f"import sys\nsys.path.insert(0, 'clients/python')\n{text}"]
    told = subprocess.check_output([*asked, shop.stack.admin_key], cwd=ROOT, text=True, timeout=60)
    assert told == f"['anna-{shop.id}']\n"


def test_the_node_client(shop: Shop) -> None:
    text = here(snippet("docs/clients.md", "js"), shop).replace(
        "'linkledger-client'", f"'{ROOT / 'clients/node/linkledger.js'}'"
    )
    asked = [node(), "--input-type=module", "-e", text]
    told = subprocess.check_output(asked, env={"KEY": shop.stack.admin_key}, text=True, timeout=60)
    assert told.strip().startswith("http")


def test_a_promo_code(stack: Stack) -> None:
    shop = Shop(stack)
    anna = shop.partner()
    script = here(snippet("docs/coupons.md", "sh"), shop).replace('"anna"', f'"{anna.id}"')
    assert json.loads(shell(script, KEY=stack.admin_key))["partner"] == anna.id


def test_a_carts_secret(shop: Shop) -> None:
    script = here(snippet("docs/carts.md", "sh"), shop).replace('"..."', '"shpss_0123456789abcdef"')
    assert json.loads(shell(script, KEY=shop.stack.admin_key))["source"] == "shopify"


def test_an_order_export(shop: Shop, tmp_path: Path) -> None:
    export = tmp_path / "orders_export.csv"
    export.write_text("order_id,amount,currency\nA-1,49.90,EUR\n")
    script = here(snippet("docs/reconciliation.md", "sh"), shop).replace("@orders_export.csv", f"@{export}")
    assert json.loads(shell(script, KEY=shop.stack.admin_key))["job"].startswith("job_")


def test_terms_and_what_a_whole_month_adds(shop: Shop) -> None:
    terms = json.loads(snippet("docs/credit.md", "json", "attribution"))
    monthly = json.loads("{" + snippet("docs/credit.md", "json", "monthly") + "}")
    path = f"/v1/programs/{shop.id}/terms"
    published = shop.stack.api("POST", path, terms | monthly).expect(201).json
    assert [rule["kind"] for rule in published["monthly"]] == ["tiered", "tiered", "milestone", "cap"]


def test_a_fraud_rule_is_set(shop: Shop) -> None:
    script = here(snippet("docs/fraud.md", "sh"), shop)
    told = shell(script, KEY=shop.stack.admin_key, URL=f"http://127.0.0.1:{shop.stack.port}")
    before, end = json.JSONDecoder().raw_decode(told)
    after = json.loads(told[end:])
    assert before != after
    assert shop.stack.api("GET", f"/v1/programs/{shop.id}/fraud").json == after


def test_rates_of_a_central_bank(shop: Shop, tmp_path: Path) -> None:
    rates = tmp_path / "rates.csv"
    rates.write_text("date,base,quote,rate\n2026-11-09,EUR,USD,1.1560\n")
    script = here(snippet("docs/credit.md", "sh"), shop).replace("@rates.csv", f"@{rates}")
    told = shell(script, KEY=shop.stack.admin_key, URL=f"http://127.0.0.1:{shop.stack.port}")
    assert "error" not in json.loads(told)


def test_an_erasure(shop: Shop) -> None:
    begin, ask = here(snippet("docs/privacy.md", "sh"), shop).split("curl $API/v1/erasures/job_...")
    reached = {"KEY": shop.stack.admin_key, "API": f"http://127.0.0.1:{shop.stack.port}"}
    job = json.loads(shell(begin, **reached))["id"]
    assert json.loads(shell(f"curl $API/v1/erasures/{job}{ask}", **reached))["id"] == job


def post(shop: Shop, text: str) -> list[Any]:
    """What each line of `post ...` answers, as the README defines it."""
    (defined,) = re.findall(r"^post\(\) .*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    reached = {"KEY": shop.stack.admin_key, "API": f"http://127.0.0.1:{shop.stack.port}"}
    told = shell(f"{defined}\n{here(text, shop)}", **reached)
    return [json.loads(line) for line in told.splitlines()]


def test_a_webhook_and_a_partners_postback(shop: Shop) -> None:
    mia = shop.partner("mia")
    for made in (
        snippet("docs/webhooks.md", "sh", '"events"'),
        snippet("docs/webhooks.md", "sh", '"partner"'),
    ):
        (told,) = post(shop, made.replace('"mia"', f'"{mia.id}"'))
        assert told["program"] == shop.id


def test_a_link(stack: Stack) -> None:
    shop = Shop(stack, domains=["shop.brand.com"])
    anna = shop.partner()
    (told,) = post(
        shop,
        snippet("docs/links.md", "sh", "summer-26").replace('"partner": "anna"', f'"partner": "{anna.id}"'),
    )
    assert (told["code"], told["utm"]) == ("summer-26", {"utm_source": "anna"})


def test_the_first_program_of_a_deployed_stage(stack: Stack) -> None:
    first, _, rest = snippet("docs/deploying.md", "sh", "post /v1/programs").partition("\n")
    assert first.startswith("export KEY=")
    told = shell(rest, KEY=stack.admin_key, API=f"http://127.0.0.1:{stack.port}").splitlines()
    assert set(json.loads(told[-1])["link"]) >= {"code", "url", "qr_url"}


def test_a_stage_answers(shop: Shop) -> None:
    line, _, says = snippet("docs/deploying.md", "sh", "openapi.json").partition("#")
    assert shell(here(line, shop)).strip() == says.strip()


def test_a_checkout_hands_the_click_to_stripe(stack: Stack) -> None:
    """Its event, as Stripe signs it, leads to the partner."""
    shop, secret, asked = Shop(stack), "whsec_stripe", Mock()
    hooks = f"/v1/programs/{shop.id}/hooks"
    shop.stack.api("POST", hooks, {"source": "stripe", "secret": secret}).expect(201)
    ben = shop.partner("ben")
    names = {"stripe": asked, "click_id": shop.clicked(ben)}
    exec(snippet("docs/carts.md", "python", "Session.create"), names)
    handed = asked.checkout.Session.create.call_args.kwargs
    now = datetime.fromisoformat(NOVEMBER_10)
    session = test_stripe.SESSION | {"currency": "eur", "created": int(now.timestamp())} | handed
    event = {"id": "evt_1", "type": "checkout.session.completed", "data": {"object": session}}
    body = json.dumps(event).encode()
    signature = {"Stripe-Signature": test_stripe.signed(body, secret, now)}
    told = shop.stack.http("POST", f"/hooks/stripe/{shop.id}", body, signature).expect(200).json
    assert list(shop.credits(told["results"][0]["id"])) == [ben.id]


def test_an_app_finds_the_click_in_the_referrer_that_google_play_hands_on(stack: Stack) -> None:
    """What the Kotlin of the page does with it: `Uri.parse("?" + referrer).getQueryParameter("ll_click")`."""
    assert 'parse("?" + client.installReferrer.installReferrer).getQueryParameter("ll_click")' in snippet(
        "docs/carts.md", "kotlin"
    )
    shop = Shop(stack, domains=["play.google.com"])
    anna = shop.partner()
    store = "https://play.google.com/store/apps/details?id=com.brand&referrer=utm_source%3Dmail"
    code = shop.link(anna, destination=store).expect(201).json["code"]
    (referrer,) = shop.visitor().follow(code).expect(302).query["referrer"]
    (click,) = parse_qs(urlsplit("?" + referrer).query)["ll_click"]
    assert list(shop.credits(shop.sell(click_id=click))) == [anna.id]


def test_a_month_is_paid_corrected_and_checked(shop: Shop, tmp_path: Path) -> None:
    anna = f"anna-{shop.id}"
    whose = {'"anna"': f'"{anna}"', "/anna/": f"/{anna}/", "2026-09": "2026-11"}
    post(shop, replaced(snippet("docs/ledgers.md", "sh", "payout-settings"), whose))
    shop.sell(200000, coupon="ANNA10", occurred_at="2026-11-01T00:00:00Z")
    (corrected,) = post(shop, replaced(snippet("docs/ledgers.md", "sh", "/entries"), whose))
    assert corrected["partner"] == anna
    shop.close()
    try:
        (paid,) = post(shop, replaced(snippet("docs/ledgers.md", "sh", "sept-sepa"), whose))
        assert [one["amount"]["amount"] for one in paid["payments"]] == [22500]
        book = shop.stack.object(f"ledgers/{shop.id}/2026-11/journal.ledger").expect(200).body
        (tmp_path / "journal.ledger").write_bytes(book)
        assert anna in shell(f"cd {tmp_path}; {snippet('docs/ledgers.md', 'sh', 'hledger')}")
        at = {"DATA_DIR": str(shop.stack.data_dir), "PYTHONPATH": str(ROOT)}
        for text in (
            snippet("docs/ledgers.md", "sh", "ledger verify"),
            snippet("docs/ledgers.md", "sh", "ledger diff"),
            snippet("docs/ledgers.md", "sh", "ledger explain").replace(
                "ent_...", paid["payments"][0]["entry"]
            ),
        ):
            shell(replaced(here(text, shop), whose).replace("chalicelib.cli", "local.cli"), **at)
    finally:
        shop.stack.at(NOVEMBER_10)


def test_an_import_and_its_undo(shop: Shop, tmp_path: Path) -> None:
    """The program's terms hold no customer: those are refused, which makes the command end with 1."""
    (tmp_path / "affiliates.csv").write_text("Email,First Name,Token\ncara@x.com,Cara,cara-moves\n")
    (tmp_path / "referrals.csv").write_text("Affiliate Email,Stripe Customer ID\ncara@x.com,cus_1\n")
    lines = here(snippet("docs/moving.md", "sh"), shop).replace("chalicelib.cli", "local.cli").splitlines()
    at = {"DATA_DIR": str(shop.stack.data_dir), "PYTHONPATH": str(ROOT)}
    run = [f"cd {tmp_path}; {line}" for line in lines]
    assert "nothing was changed" in shell(f"{run[0]} || true", **at)
    told = shell(f"{run[1]} || true", **at)
    assert shop.stack.api("GET", "/v1/links/cara-moves").expect(200).json["program"] == shop.id
    shell(run[2].replace("imp_...", told.split("--undo ")[1].strip()), **at)
    assert shop.stack.api("GET", "/v1/links/cara-moves").refused(404) == "link_unknown"
