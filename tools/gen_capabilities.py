#!/usr/bin/env python3
"""Writes what Lobodon can do as a C++ table: gen_capabilities.py SPEC_MAP OUT

The rows are the tables of docs/spec-map.md with their clause, state and tests, so that the answer of
/status/capabilities cannot promise what no test holds: a row that is done without naming a test is
an error here.
"""

import pathlib
import re
import sys

COLUMNS = ["T", "Clause", "Information flow", "Direction", "Operation", "State", "Test"]
CLAUSE = "TS 23.434 clause 14.3.2"


class Broken(Exception):
    pass


def cells_of(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def flows(text):
    """The rows of the first table whose heading has our columns, as dictionaries."""
    rows = []
    heading = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            if heading:
                break
            continue
        cells = cells_of(line)
        if heading is None:
            heading = cells if cells[: len(COLUMNS)] == COLUMNS else None
        elif not re.fullmatch(r"[-: ]+", cells[0]):
            if len(cells) != len(heading):
                raise Broken(f"line {number} has {len(cells)} cells, the heading {len(heading)}")
            rows.append(flow_of(number, dict(zip(heading, cells))))
    if not rows:
        raise Broken("there is no table with the columns " + ", ".join(COLUMNS))
    return rows


def flow_of(number, row):
    if row["State"] not in ("done", "not yet"):
        raise Broken(f"line {number}: the state '{row['State']}' is neither done nor not yet")
    tests = [] if row["Test"] in ("", "-") else [t.strip(" `") for t in row["Test"].split(",")]
    done = row["State"] == "done"
    if done and not tests:
        raise Broken(f"line {number}: {row['T']} is done and names no test")
    return {
        "id": row["T"], "clause": CLAUSE + row["Clause"], "name": row["Information flow"],
        "operation": row["Operation"], "done": done, "tests": tests,
    }


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def source(rows):
    lines = ['#include "capabilities.hpp"', "", "namespace lobo::app {", "namespace {", "",
             "constexpr CapabilityFlow rows[] = {"]
    for row in rows:
        texts = [row["id"], row["clause"], row["name"], row["operation"], " ".join(row["tests"])]
        done = "true" if row["done"] else "false"
        lines.append("    {" + ", ".join(quoted(text) for text in texts) + f", {done}}},")
    return "\n".join(lines + ["};", "", "}  // namespace", "",
                              "std::span<const CapabilityFlow> flows() { return rows; }", "",
                              "}  // namespace lobo::app", ""])


def main(arguments):
    if len(arguments) != 3:
        print("usage: gen_capabilities.py SPEC_MAP OUT", file=sys.stderr)
        return 2
    try:
        text = source(flows(pathlib.Path(arguments[1]).read_text(encoding="utf-8")))
    except Broken as broken:
        print(f"gen_capabilities: {arguments[1]}: {broken}", file=sys.stderr)
        return 1
    pathlib.Path(arguments[2]).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
