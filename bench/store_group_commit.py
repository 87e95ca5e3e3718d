#!/usr/bin/env python3
"""Durable creates per second of our store next to raw SQLite with the same statements.

The program bench/store_group_commit.cpp measures both sides in alternating rounds; this appends its
figures to bench/results/."""

import argparse
import json
import pathlib
import subprocess

import lib


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dry", action="store_true", help="print, append nothing")
    parser.add_argument("--quick", action="store_true", help="one round, to see that it works")
    args = parser.parse_args()
    if args.quick:
        args.rounds = 1
    program = args.build / "bench" / "store_group_commit"
    done = subprocess.run([program, str(args.rounds)], capture_output=True, text=True, check=True)
    results = {str(case.pop("in_flight")): case for case in json.loads(done.stdout)["cases"]}
    if args.dry:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("store_group_commit", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
