"""Every block of code in a document is run by a test, or named here with what stands in for that."""

import ast
import re

from tests.docs.blocks import PAGES, ROOT, Block, all_blocks, matching

SETUP = "tests/docs/test_snippets.py::test_the_documents_show_what_the_setup_route_answers"
COMMANDS = "tests/docs/test_commands.py::test_a_command_of_make_is_there"
ELSEWHERE = {
    ("README.md", "", "make run"): COMMANDS,
    ("README.md", "", "a partner's audience"): "a drawing",
    ("CONTRIBUTING.md", "", "make run"): COMMANDS,
    ("docs/adding.md", "diff", ""): "tests/docs/test_adding.py::test_each_diff_applies_and_works",
    ("docs/carts.md", "html", "cart/update.js"): SETUP,
    ("docs/pixel.md", "html", "p.gif"): SETUP,
    ("docs/postback.md", "", "postback/acme"): SETUP,
    ("docs/tag.md", "html", ""): SETUP,
    ("docs/carts.md", "kotlin", ""): (
        "needs Android; tests/docs/test_pasted.py hands a conversion in what it reads out of the referrer"
    ),
    ("docs/data-model.md", "json", ""): "tests/infra/test_policies.py::test_a_sample_is_like_the_items",
    ("docs/deploying.md", "text", ""): "tests/infra/test_deploy.py::test_it_says_what_the_walk_through_shows",
    (
        "docs/deploying.md",
        "sh",
        "aws configure",
    ): "tests/docs/test_commands.py::test_a_command_of_aws_is_there",
    ("docs/deploying.md", "sh", "aws acm"): "tests/docs/test_commands.py::test_a_command_of_aws_is_there",
    ("docs/deploying.md", "sh", "aws sns"): "tests/docs/test_commands.py::test_a_command_of_aws_is_there",
    ("docs/deploying.md", "sh", "make deploy"): COMMANDS,
    ("docs/deploying.md", "", "make rollback"): COMMANDS,
    ("docs/deploying.md", "sh", "cli doctor"): "tests/docs/test_commands.py::test_the_doctor_is_called_alike",
    ("docs/doctor.md", "sh", "cli doctor"): (
        "tests/contract/test_doctor.py::test_the_command_walks_over_http_and_tells_by_its_exit_code"
    ),
    ("docs/links.md", "sh", "replay-clicks"): (
        "tests/test_cli.py::test_spilled_clicks_are_written_once_whatever_is_around_them"
    ),
}
"""A page, a language, what the block contains (all of that language where nothing is said)."""


def taken() -> list[Block]:
    """The blocks that tests take by `snippet(page, language, containing)`."""
    found = []
    for path in [*(ROOT / "tests/docs").glob("test_*.py"), *(ROOT / "tests/contract").glob("test_*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "snippet":
                page, language, *rest = [ast.literal_eval(one) for one in node.args]
                found += matching(page, language, *rest)
    return found


def test_every_block_is_run_or_named() -> None:
    covered = {block for place in ELSEWHERE for block in matching(*place)} | set(taken())
    left = [
        f"{one.page} {one.language}: {one.text.splitlines()[0]}" for one in all_blocks() if one not in covered
    ]
    assert left == []


def test_nothing_is_named_that_is_not_there() -> None:
    assert [place for place in ELSEWHERE if not matching(*place)] == []
    for named in ELSEWHERE.values():
        path, _, name = named.partition("::")
        assert not name or f"def {name}(" in (ROOT / path).read_text(), named


def test_no_code_hides_by_being_indented() -> None:
    """Only a fence tells a reader's editor, and the tests above, what language it is."""
    hidden = re.compile(r"\n\n    (?=\S)")
    outside = {page.name: re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S) for page in PAGES}
    assert [name for name, text in outside.items() if hidden.search(text)] == []
