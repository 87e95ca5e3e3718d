#!/usr/bin/env python3
"""Runs the tests of a built preset and says what was skipped and why.

    tools/run_tests.py [--preset dev] [--jobs N] [CTEST OPTION …]

The exit code is ctest's. A test that skips says so in its own way (GTEST_SKIP() << "why", or a
script that prints "SKIP: why" and ends with 77); the reasons are gathered here, most frequent first.
"""

import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[1]
NO_REASON = "gave no reason"


def reason_of(output):
    """Why a test skipped, from what it printed."""
    match = re.search(r"^SKIP: (.+)$", output, re.MULTILINE)
    if match:
        return match.group(1).strip()
    # GoogleTest prints "FILE:LINE: Skipped", then the text of GTEST_SKIP() on the lines that follow.
    match = re.search(r": Skipped\n(?P<why>.*?)(?:\n\n|\n?\[  SKIPPED \])", output, re.DOTALL)
    return " ".join(match.group("why").split()) or NO_REASON if match else NO_REASON


def skipped(report):
    """reason -> names of the tests that skipped, from a JUnit report of ctest."""
    found = collections.defaultdict(list)
    for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        mark = case.find("skipped")
        if mark is None:
            continue
        if mark.get("message", "").startswith("Disabled"):
            found["disabled in the sources"].append(case.get("name"))
        else:
            found[reason_of(case.findtext("system-out") or "")].append(case.get("name"))
    return found


def summary(found):
    if not found:
        return "skipped: 0 tests"
    count = sum(len(names) for names in found.values())
    reasons = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return f"skipped: {count} test{'s' if count > 1 else ''}: " + "; ".join(
        f"{len(names)} because: {why}" for why, names in reasons)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--preset", default="dev")
    parser.add_argument("--jobs", default=str(os.cpu_count()))
    options, more = parser.parse_known_args()
    build = ROOT / "build" / options.preset
    report = build / "tests.xml"
    report.unlink(missing_ok=True)
    code = subprocess.run(["ctest", "--preset", options.preset, "--parallel", options.jobs,
                           "--no-tests=error", "--output-junit", str(report), *more],
                          cwd=ROOT, check=False).returncode
    if report.exists():
        print(summary(skipped(report)))
    return code


if __name__ == "__main__":
    sys.exit(main())
