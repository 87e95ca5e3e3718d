#!/usr/bin/env python3
"""The energy-aware service by the figures of its tests: what is right or wrong and not how fast.

    bench/energy_acceptance.py [--build build/dev] [--dry]

Small fleets against CBC's optimum (20 seeds); the matrix of faults (docs/media-energy.md, "What goes wrong": each row by
the tests that stand in it); the agent's counters, models and sums; sessions mapped to locations by sampled reports with
1, 10 and 50 % of the UEs telling; messages of M1 and M5 against the official schemas of TS 26.512 (absent: none).
Nothing is timed.
"""

import argparse
import json
import pathlib
import re
import subprocess
import tempfile
import xml.etree.ElementTree as xml

import lib

ORACLE = "energy_oracle.small_fleets_are_within_two_percent_of_cbcs_optimum_and_five_at_worst"
AGENT = ("rapl_counters.", "rapl_zones.", "power_model.", "host_meter.", "attribution.", "energy_ledger.", "energy_outbox.",
         "energy_agent.")
MESSAGES = "specs/media_messages"


def ran(build, names):
    """{test: passed, failed or skipped} of those whose names contain one of these."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "junit.xml"
        subprocess.run(["ctest", "--test-dir", str(build), "-j2", "--test-output-size-passed", "65536",
                        "--output-junit", str(report), "-R", "|".join(re.escape(name) for name in names)],
                       capture_output=True, text=True, timeout=1800)
        out = {}
        for case in xml.parse(report).getroot().iter("testcase"):
            status = {"run": "passed", "fail": "failed"}.get(case.get("status"), "skipped")
            out[case.get("name")] = (status, (case.findtext("system-out") or ""))
        return out


def counted(tests):
    return {status: sum(1 for one, _ in tests.values() if one == status) for status in ("passed", "failed", "skipped")}


def rows_of_faults():
    text = (lib.ROOT / "docs" / "media-energy.md").read_text(encoding="utf-8")
    part = text[text.index("## What goes wrong"):text.index("## Bounds")]
    return {row.split("|")[1].strip(): re.findall(r"`([a-z_]+\.[a-z_0-9]+)`", row)
            for row in part.splitlines() if row.startswith("| ") and "`" in row}


def small_fleets(build):
    tests = ran(build, [ORACLE])
    gaps = sorted(float(one) for _, told in tests.values() for one in re.findall(r"planner over cbc ([+-][0-9.]+)", told))
    if len(gaps) != 20:
        return {"seeds": len(gaps)}
    return {"seeds": 20, "median": lib.median(gaps), "p95": gaps[18], "worst": gaps[19]}


def faults(build):
    rows = rows_of_faults()
    tests = ran(build, sorted({name for names in rows.values() for name in names}))
    verdicts = {}
    for row, names in rows.items():
        status = [one for name in names for test, (one, _) in tests.items() if name in test]
        verdicts[row] = "passed" if status and len(status) >= len(names) and set(status) == {"passed"} else "failed"
    return verdicts


def mapping(build):
    program = build / "src" / "services" / "media_energy" / "lobo_media_energy_test"
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "gtest.json"
        subprocess.run([program, "--gtest_filter=*sampled_mapping*", f"--gtest_output=json:{report}"], capture_output=True,
                       timeout=600)
        cases = [case for suite in json.loads(report.read_text())["testsuites"] for case in suite["testsuite"]]
    return {f"{case['value_param']} %": {**{name: int(case[name]) for name in ("told", "right", "unmapped_counted")},
                                         "test": "failed" if case.get("failures") else "passed"} for case in cases}


def messages(build):
    told = next(iter(ran(build, [MESSAGES]).values()), ("skipped", ""))
    compared = re.search(r"(\d+) messages compared", told[1])
    return {"compared": int(compared[1]) if compared else 0, "test": told[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "dev", type=pathlib.Path)
    parser.add_argument("--dry", action="store_true")
    args = parser.parse_args()
    results = {"A2 small fleets over cbc": small_fleets(args.build), "A8 faults": faults(args.build),
               "A9 agent": counted(ran(args.build, AGENT)), "A11 mapping": mapping(args.build),
               "A12 messages": messages(args.build),
               "goal": {"A2": {"p95": 0.02, "worst": 0.05}, "A11": 0.999, "A12": "all valid"}}
    print(json.dumps(results if args.dry else lib.append_result("energy_acceptance", args.build, 1, results), indent=1))


if __name__ == "__main__":
    main()
