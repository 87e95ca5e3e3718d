#!/usr/bin/env python3
"""What the relay's core costs for a delivered state of 200 bytes, without network: nanoseconds, and
callgrind's instructions for rooms of 50 and 200. Appends its figures to bench/results/."""

import argparse
import json
import pathlib
import re
import subprocess
import tempfile

import lib

ROOMS = (50, 200)
SECONDS = (1, 2)  # the difference leaves start-up out


def counted(program, members, seconds):
    """Instructions, and the states that were delivered."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([lib.need("valgrind"), "--tool=callgrind", f"--callgrind-out-file={folder}/out",
                               str(program), "--count", str(members), str(seconds)],
                              capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1)), int(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dry", action="store_true", help="print, append nothing")
    parser.add_argument("--quick", action="store_true", help="one round, to see that it works")
    args = parser.parse_args()
    if args.quick:
        args.rounds = 1
    program = args.build / "bench" / "relay_core"
    results = json.loads(lib.run_pinned([program, args.rounds], 0, timeout=900))
    for members in ROOMS:
        (few, few_states), (many, many_states) = (counted(program, members, seconds) for seconds in SECONDS)
        results[f"room_{members}"]["instructions"] = round((many - few) / (many_states - few_states), 1)
    if args.dry:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("relay_core", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
