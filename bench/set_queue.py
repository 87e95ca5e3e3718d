#!/usr/bin/env python3
"""What set tracker and queue cost for a packet over tail drop: nanoseconds, the policies interleaved in
one process, and callgrind's instructions. Appends its figures to bench/results/."""

import argparse
import json
import pathlib
import re
import subprocess
import tempfile

import lib

POLICIES = ("taildrop", "psihi", "evict", "threshold")
COUNTED = (20_000, 120_000)  # turns; the difference leaves start-up out


def instructions(program, policy, turns):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([lib.need("valgrind"), "--tool=callgrind", f"--callgrind-out-file={folder}/out",
                               str(program), "--count", policy, str(turns)], capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--dry", action="store_true", help="print, append nothing")
    parser.add_argument("--quick", action="store_true", help="one round, to see that it works")
    args = parser.parse_args()
    if args.quick:
        args.rounds = 1
    program = args.build / "bench" / "set_queue"
    done = subprocess.run([program, "--benchmark_format=json", f"--benchmark_repetitions={args.rounds}",
                           "--benchmark_enable_random_interleaving=true", "--benchmark_min_time=0.1"],
                          capture_output=True, text=True, check=True)
    rounds = [run for run in json.loads(done.stdout)["benchmarks"] if run["run_type"] == "iteration"]
    results = {}
    for policy in POLICIES:
        own = [run for run in rounds if run["name"].startswith(f"handle/{policy}")]
        times = [run["cpu_time"] for run in own]
        few, many = (instructions(program, policy, turns) for turns in COUNTED)
        results[policy] = {"ns_best": round(min(times), 1), "ns_median": round(lib.median(times), 1),
                           "instructions": round((many - few) / (COUNTED[1] - COUNTED[0]), 1),
                           "dropped_share": round(own[0]["dropped"], 3)}
    for policy in POLICIES[1:]:
        results[policy]["extra_ns_best"] = round(results[policy]["ns_best"] - results["taildrop"]["ns_best"], 1)
        results[policy]["extra_ns_median"] = round(results[policy]["ns_median"] - results["taildrop"]["ns_median"], 1)
    if args.dry:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("set_queue", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
