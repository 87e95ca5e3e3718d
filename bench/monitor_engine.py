#!/usr/bin/env python3
"""The monitoring engine: 100,000 subscriptions at one sample a second each, the share of one core that
they take, memory, and from a crossing to its report, next to a plain recomputation in the same process;
and callgrind's instructions a sample. Appends its figures to bench/results/.

Targets: far below one core; a crossing is told within two windows and 100 ms.
"""

import argparse
import json
import pathlib
import re
import subprocess
import tempfile

import lib

COUNTED = (2, 6)  # virtual seconds; the difference leaves start-up out
COUNTED_SUBSCRIPTIONS = 10_000


def instructions(program, seconds):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([lib.need("valgrind"), "--tool=callgrind", f"--callgrind-out-file={folder}/out",
                               str(program), "--count", str(COUNTED_SUBSCRIPTIONS), str(seconds)],
                              capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dry", action="store_true", help="print, append nothing")
    parser.add_argument("--quick", action="store_true", help="few subscriptions, to see that it works")
    args = parser.parse_args()
    program = args.build / "bench" / "monitor_engine"
    subscriptions = 1_000 if args.quick else 100_000
    rounds = 1 if args.quick else args.rounds
    results = json.loads(lib.run_pinned([program, subscriptions, 1, rounds], 1, timeout=900))
    results["subscriptions"] = subscriptions
    if not args.quick:
        few, many = (instructions(program, seconds) for seconds in COUNTED)
        results["instructions_per_sample"] = round(
            (many - few) / (COUNTED[1] - COUNTED[0]) / COUNTED_SUBSCRIPTIONS, 1)
    for name in ("1s", "60s"):
        results[f"naive_over_engine_{name}"] = round(
            results[f"naive_window_{name}"]["core_share_best"] / results[f"window_{name}"]["core_share_best"], 2)
    if args.dry or args.quick:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("monitor_engine", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
