#!/usr/bin/env python3
"""What planning a fleet costs, next to a greedy planner in the same process: CPU-milliseconds for a cold plan of
1,000,000 sessions at 100 locations (counted, planned, certified, everybody assigned), for a plan after a tenth of
the sessions has changed, peak memory, and the certified gap. Appends its figures to bench/results/."""

import argparse
import json
import pathlib

import lib

# name: sessions, locations, utilisation, switch cost (objective's unit per Mbit/s), objective
CASES = {
    "million": ("1000000", "100", "0.46", "0", "energy"),
    "million_full": ("1000000", "100", "0.65", "0.01", "energy"),
    "million_carbon": ("1000000", "100", "0.65", "0", "carbon"),
}
CHURN = "0.1"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5, help="each with an instance of its own")
    parser.add_argument("--dry", action="store_true", help="print, append nothing")
    parser.add_argument("--quick", action="store_true", help="one round, to see that it works")
    args = parser.parse_args()
    if args.quick:
        args.rounds = 1
    program = args.build / "bench" / "energy_planner"
    runs = {name: [] for name in CASES}
    for seed in range(1, args.rounds + 1):  # the cases in turn, so that a busy minute hits all of them
        for name, words in CASES.items():
            runs[name].append(json.loads(lib.run_pinned([program, *words, CHURN, str(seed)], core=1)))
    results = {}
    for name, rounds in runs.items():
        values = {key: [run[key] for run in rounds] for key in rounds[0]}
        results[name] = {
            "cold_cpu_ms": {"median": lib.median(values["cold_ms"]), "worst": max(values["cold_ms"])},
            "of_it": {part: lib.median(values[f"{part}_ms"]) for part in ("aggregate", "plan", "assign")},
            "churn_cpu_ms": {"median": lib.median(values["churn_ms"]), "worst": max(values["churn_ms"])},
            "steps": {"cold": lib.median(values["steps"]), "churn": lib.median(values["churn_steps"])},
            "gap": {"median": lib.median(values["gap"]), "worst": max(values["gap"])},
            "churn_gap_worst": max(values["churn_gap"]),
            "greedy_cpu_ms": lib.median(values["greedy_ms"]),
            "greedy_over_bound": {"median": lib.median(values["greedy_over_bound"]),
                                  "worst": max(values["greedy_over_bound"])},
            "moved_share": lib.median(values["moved_share"]),
            "peak_mb_worst": max(values["peak_mb"]),
        }
    if args.dry:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("energy_planner", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
