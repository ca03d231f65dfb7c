"""The documents lead where they say: to files, headings and functions that are there."""

import ast
import re
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")]
    if page.name != "LICENSE.md"
)
_LINK = re.compile(r"\[[^\]]+\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_FUNCTION = re.compile(r"`([a-z_/]+\.py)::([\w.]+)`")
_FILE = re.compile(r"`((?:[a-z_]+/)+(?:[a-z_]+\.(?:py|yaml|html|js))?)(?:::[\w.]+)?`")

_OURS = {path.name for path in (*ROOT.iterdir(), *(ROOT / "chalicelib").iterdir()) if path.is_dir()} | {
    "templates"
}
"""How a path in a document begins that is ours, and neither an address nor a key of the bucket."""


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(page.read_text()):
        found = (page.parent / target).resolve() if target else page
        assert found.exists(), target
        if anchor:
            assert anchor in headings(found), f"{target}#{anchor}"


def test_every_document_is_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        for target, _ in _LINK.findall(page.read_text()):
            found = (page.parent / target).resolve()
            if found.is_dir():
                reached |= set(found.glob("*.md"))
            elif found.suffix == ".md" and found not in reached:
                waiting.append(found)
    assert set((ROOT / "docs").rglob("*.md")) - reached == set()


def test_what_the_answers_quote_stands_in_the_portal() -> None:
    code = [*(ROOT / "chalicelib/portal").rglob("*.html"), *(ROOT / "chalicelib/portal").glob("*.py")]
    shown = "\n".join(path.read_text() for path in code)
    quoted = re.findall(r'"([A-Z][^"]*)"', re.sub(r"`[^`]*`", "", (ROOT / "docs" / "faq.md").read_text()))
    assert quoted
    assert [text for text in quoted if " ".join(text.split()) not in shown] == []


def test_the_readme_says_of_every_folder_what_is_in_it() -> None:
    table = "".join((ROOT / "README.md").read_text().split("## Where things are")[1].split("\n\n")[1:2])
    code = {path.parent.name for place in (ROOT, ROOT / "chalicelib") for path in place.glob("*/__init__.py")}
    assert len(code) > 8
    assert [name for name in sorted(code) if f"{name}/" not in table] == []


def test_every_decision_is_numbered_dated_and_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    for page in folder.glob("0*.md"):
        title, _, date = page.read_text().splitlines()[:3]
        assert re.match(rf"# {int(page.name[:4])}\. ", title), page.name
        assert re.match(r"20\d\d-\d\d-\d\d", date), page.name
        assert f"| [{title.split('. ', 1)[1]}]({page.name}) |" in index


def test_the_walk_through_names_functions_that_are_there() -> None:
    named = _FUNCTION.findall((ROOT / "docs" / "walkthrough.md").read_text())
    assert len(named) > 15
    for file, function in named:
        body = ast.parse((ROOT / "chalicelib" / file).read_text()).body
        for part in function.split("."):
            found = [n for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == part]
            assert found, f"{file}::{function}"
            body = found[0].body


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_file_or_folder_of_ours_that_a_page_names_is_there(page: Path) -> None:
    named = {name for name in _FILE.findall(page.read_text()) if name.split("/")[0] in _OURS}
    places = [
        page.parent,
        *(ROOT / folder for folder in ("", "chalicelib", "chalicelib/portal", "chalicelib/domain")),
    ]
    assert [name for name in sorted(named) if not any((place / name).exists() for place in places)] == []


def requirements(file: str) -> list[str]:
    lines = (line.split("#")[0].strip() for line in (ROOT / file).read_text().splitlines())
    return [re.split(r"[\[=<>~]", line)[0] for line in lines if line and not line.startswith("-r")]


@pytest.mark.parametrize("file", sorted(file.name for file in ROOT.glob("requirements*.txt")))
def test_every_dependency_is_named_with_its_reason(file: str) -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text()
    assert [name for name in requirements(file) if f"`{name}`" not in page] == []


@pytest.mark.parametrize("name", [*requirements("requirements.txt"), *requirements("requirements-dev.txt")])
def test_a_dependencys_licence_is_the_one_that_it_declares(name: str) -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text()
    (row,) = [line.split("|") for line in page.splitlines() if line.startswith("| `") and f"`{name}`" in line]
    found = distribution(name)
    declared = [*(found.metadata.get_all("Classifier") or []), *map(str, found.metadata.values())]
    licences = [Path(file.locate()) for file in found.files or () if "licen" in file.name.lower()]
    texts = [file.read_text() for file in licences if file.is_file()]
    families = {re.split(r"[- ]", licence.strip())[0] for licence in row[3].split(",")}
    assert [one for one in families if any(one in text for text in (*declared, *texts))], families
