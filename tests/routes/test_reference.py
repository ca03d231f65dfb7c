"""The reference page and the collection say what the OpenAPI document says."""

import re
from html.parser import HTMLParser
from typing import Any

from tests.routes.api import Api


class Elements(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_has_every_operation_and_nothing_from_elsewhere(api: Api) -> None:
    answer = api.get("/v1/docs", key="")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'; style-src 'sha256-" in answer.headers["content-security-policy"]
    elements = Elements(answer.raw.decode()).found
    told = api.get("/v1/openapi.json", key="").json
    names = {o["operationId"] for methods in told["paths"].values() for o in methods.values()}
    assert {attributes["id"] for tag, attributes in elements if tag == "section"} == names
    assert not {"script", "img", "link", "iframe"} & {tag for tag, _ in elements}
    leads = [attributes["href"] or "" for tag, attributes in elements if tag == "a"]
    assert all(re.match(r"#\w+$|/v1/", lead) for lead in leads)


def test_the_collection_has_every_operation_with_its_variables(api: Api) -> None:
    told = api.get("/v1/openapi.json", key="").json
    made = api.get("/v1/collection.json", key="").json
    requests = [item["request"] for item in made["item"]]
    assert len(requests) == sum(len(methods) for methods in told["paths"].values())
    terms = next(r for r in requests if r["method"] == "POST" and r["url"]["raw"].endswith("/:program/terms"))
    assert terms["url"]["variable"] == [{"key": "program", "value": ""}]
    assert '"commissions": []' in terms["body"]["raw"]
