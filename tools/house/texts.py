"""What no file may say, and what the documents must say."""

import re

from house.includes import SOURCES
from house.tree import Finding, numbered, string_literals

# Written in pieces, so that this file does not find itself.
LATER = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r")\b")
PLACES = (
    (re.compile(r"(?<![\w.}/-])/wo" + r"rk(?=/|\b(?!flow))"), "a path of somebody's machine"),
    (re.compile(r"/tm" + r"p/wt\b|\." + r"library\b|/ro" + r"ot/|/home/\w+/"), "a path of somebody's machine"),
    (re.compile(r"\b(" + "|".join(["py" + r"pi\.org", "pythonhosted" + r"\.org", r"npmjs\.(org|com)",
                                    r"crates" + r"\.io", r"deb\.deb" + r"ian\.org", r"docker" + r"\.io",
                                    r"ghcr" + r"\.io", r"proxy\.golang" + r"\.org", r"rubygems" + r"\.org",
                                    r"conan" + r"\.io"]) + r")\b"), "the host of a package registry"),
    (re.compile(r"\bissue" + r"s? #?\d", re.IGNORECASE), "a ticket number: say the reason itself"),
)
PROSE_OF_OTHERS = {"LICENSE"}


def no_notes_for_later(tree):
    for path, text in tree.texts():
        if path in PROSE_OF_OTHERS:
            continue
        for line, content in numbered(text):
            if LATER.search(content):
                yield Finding(path, line, "later", "do it now, or write down in docs/ that it is not done")


def no_foreign_places(tree):
    for path, text in tree.texts():
        if path in PROSE_OF_OTHERS:
            continue
        for line, content in numbered(text):
            for pattern, what in PLACES:
                if pattern.search(content):
                    yield Finding(path, line, "places", what)


# ---- docs/spec-map.md ----------------------------------------------------------------------------

SPEC_MAP = "docs/spec-map.md"
TABLES = 71
STATES = ("done", "not yet")
TEST_MACRO = re.compile(r"\b(?:TEST|TEST_F|TEST_P|TYPED_TEST|RC_GTEST_PROP|RC_GTEST_FIXTURE_PROP)\s*\(\s*"
                        r"(\w+)\s*,\s*(\w+)")
PYTHON_TEST = re.compile(r"^\s*def (test_\w+)\s*\(", re.MULTILINE)
NAMED_TEST = re.compile(r"`([\w/.-]+(?:\.py::|\.)\w+)`")


def tests_of(tree):
    """Every test by name: suite.name for C++, path.py::test_name for Python."""
    names = set()
    for _, text in tree.texts(*SOURCES):
        names.update(f"{suite}.{name}" for suite, name in TEST_MACRO.findall(text))
    for path, text in tree.texts(".py", under=("tests/", "tools/")):
        names.update(f"{path}::{name}" for name in PYTHON_TEST.findall(text))
    return names


def spec_rows(text, letter="T"):
    """(line, cells) of each row of the table whose first cell is this letter and a number."""
    for line, content in numbered(text):
        if not content.startswith("|"):
            continue
        cells = [cell.strip() for cell in content.strip().strip("|").split("|")]
        if re.fullmatch(letter + r"\d+", cells[0]):
            yield line, cells


def state_faults(line, row, state, named, tests):
    """A row says that it is done, or not yet, and what is done names tests that exist."""
    if state not in STATES:
        yield Finding(SPEC_MAP, line, "spec-map", f"{row}: the state is {' or '.join(STATES)}")
    if state == "done" and not named:
        yield Finding(SPEC_MAP, line, "spec-map", f"{row} is done, but names no test")
    for name in named:
        if name not in tests:
            yield Finding(SPEC_MAP, line, "spec-map", f"{row}: there is no test {name}")


def spec_map(tree):
    """| M1 | of | what | state | test | reading | any number of times, and
    | T1 | clause | information flow | direction | operation | state | test | reading |, 71 times."""
    if SPEC_MAP not in tree.files:
        yield Finding(SPEC_MAP, 1, "spec-map", "is missing")
        return
    tests = tests_of(tree)
    expected = 1
    for line, cells in spec_rows(tree.files[SPEC_MAP]):
        if cells[0] != f"T{expected}":
            yield Finding(SPEC_MAP, line, "spec-map", f"T{expected} should stand here, not {cells[0]}")
        expected = int(cells[0][1:]) + 1
        if len(cells) != 8:
            yield Finding(SPEC_MAP, line, "spec-map", f"{cells[0]} has {len(cells)} cells, not 8")
            continue
        yield from state_faults(line, cells[0], cells[5], NAMED_TEST.findall(cells[6]), tests)
    for line, cells in spec_rows(tree.files[SPEC_MAP], "M"):
        if len(cells) != 6:
            yield Finding(SPEC_MAP, line, "spec-map", f"{cells[0]} has {len(cells)} cells, not 6")
            continue
        yield from state_faults(line, cells[0], cells[3], NAMED_TEST.findall(cells[4]), tests)
    if expected != TABLES + 1:
        yield Finding(SPEC_MAP, 1, "spec-map", f"ends at T{expected - 1}, not at T{TABLES}")


# ---- other documents -----------------------------------------------------------------------------

METRICS = "docs/metrics.md"
METRIC = re.compile(r"lobo_[a-z0-9_]+")


def metrics(tree):
    """Each metric is documented, and no document speaks of one that is not there."""
    if METRICS not in tree.files:
        return
    documented = {}
    for line, content in numbered(tree.files[METRICS]):
        if content.startswith("|"):
            for name in re.findall(r"`(lobo_[a-z0-9_]+)", content.split("|")[1]):
                documented.setdefault(name, line)
    used = {}
    for path, text in tree.texts(*SOURCES, under=("src/", "apps/")):
        if path.endswith("_test.cpp"):
            continue
        for line, literal in string_literals(text):
            if METRIC.fullmatch(literal):
                used.setdefault(literal, (path, line))
    for name, (path, line) in sorted(used.items()):
        if name not in documented:
            yield Finding(path, line, "metrics", f"{name} is not in {METRICS}")
    for name, line in sorted(documented.items()):
        if name not in used:
            yield Finding(METRICS, line, "metrics", f"nothing in the code is called {name}")


ADR_PARTS = ("## Context", "## Choice", "## Consequences", "## What would change our mind")


def decisions(tree):
    for path, text in tree.texts(".md", under=("docs/adr/",)):
        if not re.fullmatch(r"docs/adr/\d{4}-[a-z0-9-]+\.md", path):
            yield Finding(path, 1, "adr", "a decision record is called NNNN-title.md")
        for part in ADR_PARTS:
            if part not in text:
                yield Finding(path, 1, "adr", f"has no part '{part}'")


LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")


def links(tree):
    """A link to a file of ours leads somewhere."""
    for path, text in tree.texts(".md"):
        folder = path.split("/")[:-1]
        fenced = False
        for line, content in numbered(text):
            if content.lstrip().startswith("```"):
                fenced = not fenced
            if fenced:
                continue
            for target in LINK.findall(re.sub(r"`[^`]*`", "", content)):
                if "://" in target or target.startswith("mailto:"):
                    continue
                parts = list(folder)
                for part in target.split("/"):
                    if part == "..":
                        parts = parts[:-1]
                    elif part not in ("", "."):
                        parts.append(part)
                if not tree.exists("/".join(parts)):
                    yield Finding(path, line, "links", f"{target} does not exist")


RULES = (no_notes_for_later, no_foreign_places, spec_map, metrics, decisions, links)
