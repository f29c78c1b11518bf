"""The documents say what is there: every target, every setting, and links that lead somewhere."""

import re
from collections.abc import Iterator

from tests.tidy import sources

SETTINGS = "docs/settings.md"
_TARGET = re.compile(r"^([a-z][a-z-]*):(?!=)(.*)$", re.MULTILINE)
_PHONY = re.compile(r"^\.PHONY: *(.+)$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_HEADING = re.compile(r"^#+ +(.+?) *#*$", re.MULTILINE)


SAYS_ITSELF = {"help"}  # printed by `make` alone


def documents() -> list[str]:
    return [path for path in sources.all_files() if path.endswith(".md")]


def test_every_make_target_is_phony_and_has_a_sentence() -> None:
    makefile = sources.text("Makefile")
    phony = set(" ".join(_PHONY.findall(makefile)).split())

    wrong = [name for name, rest in _TARGET.findall(makefile) if name not in phony or not rest.partition("## ")[2]]

    assert not wrong, "targets without .PHONY or '## Sentence': " + ", ".join(wrong)


def test_every_make_target_appears_in_a_document() -> None:
    readable = [path for path in documents() if path == "README.md" or path.startswith("docs/")]
    words = "\n".join(sources.text(path) for path in readable)

    targets = {name for name, _ in _TARGET.findall(sources.text("Makefile"))} - SAYS_ITSELF
    missing = sorted(name for name in targets if not re.search(rf"make {name}(?![\w-])", words))

    assert not missing, "say in README.md or docs/ what these do: " + ", ".join(missing)


def test_every_setting_of_the_cloud_is_documented() -> None:
    wanted = set(_settings())

    documented = sources.text(SETTINGS) if SETTINGS in documents() else ""
    missing = sorted(name for name in wanted if f"`{name}`" not in documented)

    assert not missing, f"not in {SETTINGS}: " + ", ".join(missing)


def test_every_documented_setting_exists() -> None:
    documented = sources.text(SETTINGS) if SETTINGS in documents() else ""

    unknown = sorted(set(re.findall(r"`(PENSTOCK_[A-Z0-9_]+)`", documented)) - set(_settings()))

    assert not unknown, f"{SETTINGS} names what no code reads: " + ", ".join(unknown)


def test_every_link_of_a_document_leads_somewhere() -> None:
    wrong = [
        f"{path}: {link}"
        for path in documents()
        for link in _LINK.findall(_CODE.sub("", sources.text(path)))
        if not link.startswith(("https://", "http://", "mailto:")) and not _resolves(path, link)
    ]

    assert not wrong, "links that lead nowhere:\n" + "\n".join(wrong)


def _settings() -> Iterator[str]:
    """Environment variables of the cloud's settings class, as pydantic-settings derives them."""
    if "cloud/config.py" not in sources.all_files():
        return
    from cloud.config import Config

    prefix = Config.model_config.get("env_prefix") or ""
    for name in Config.model_fields:
        yield (prefix + name).upper()


def _resolves(path: str, link: str) -> bool:
    target, _, anchor = link.partition("#")
    page = (sources.ROOT / path).parent / target if target else sources.ROOT / path
    if not page.exists():
        return False
    return (
        not anchor or page.suffix != ".md" or anchor in {_anchor(title) for title in _HEADING.findall(page.read_text())}
    )


def _anchor(heading: str) -> str:
    """GitHub's anchor of a heading: lower case, no punctuation, hyphens for spaces."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
