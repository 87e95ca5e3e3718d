#!/usr/bin/env python3
"""What energy-aware steering saves on a stored, made-up day, and what happens when something changes.

    bench/media_energy.py [--build build/bench] [--rounds 3] [--dry | --not-quiet]

Savings of the planner (objectives energy and carbon) against nearest, round robin, latency only and greenest first, in
four cells: servers whose power follows their load or hardly does, drained servers on or in standby. All are held to the
same latency floors, to 0.85 of each place's capacity, and serve the same demand (`unmet_share`, `over_mbps_h`).
Switches of 5000 sessions that are followed. Then 20,000 players one by one: peak load of a place over its capacity
after the signal steps, a place is lost, comes back, and the AF begins anew, next to `greenest first` at the same polls.
All is counted, nothing timed, so that a busy machine changes no figure; bench/steering_vs_nginx.py and
bench/energy_planner.py measure what it costs. --not-quiet names the record so.
"""

import argparse
import json
import pathlib
import sys

import lib

TRACE = pathlib.Path(__file__).resolve().parent / "traces" / "media_day.csv"
FLEETS, IDLE = ("wide", "flat"), ("on", "standby")
SESSIONS, LOCATIONS, STEPS = "1000000", "100", "288"
TTL = "30"
POLICIES = ("plan_energy", "plan_carbon", "nearest", "round_robin", "latency_only", "greenest_first")
EVENTS = ("settled", "signal_step", "loss", "return", "restart")


def worst(runs, *path):
    values = []
    for run in runs:
        for name in path:
            run = run[name]
        values.append(run)
    return max(values)


def of_day(runs):
    out = {}
    for name in POLICIES:
        out[name] = {key: round(lib.median([run[name][key] for run in runs]), 4)
                     for key in ("energy_vs_nearest", "carbon_vs_nearest", "latency_ms", "unmet_share", "over_mbps_h")}
    # What no policy can be below over the same paths, by the dual bound of each step, and how much of that is reached.
    out["least"] = {key: round(lib.median([run["least"][key] for run in runs]), 4)
                    for key in ("energy_vs_nearest", "planned_anew_vs_nearest")}
    if out["least"]["energy_vs_nearest"] < 0:
        out["of_the_possible"] = round(out["plan_energy"]["energy_vs_nearest"] / out["least"]["energy_vs_nearest"], 4)
    for name in ("plan_energy", "plan_carbon"):
        out[name]["switches_per_session_hour"] = worst(runs, "switches_per_session_hour", name)
        out[name]["back_within_two_steps_share"] = worst(runs, "back_within_two_steps_share", name)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=1, help="each with a fleet of its own")
    parser.add_argument("--dry", action="store_true", help="print, append nothing")
    parser.add_argument("--not-quiet", action="store_true", help="the machine had other work; the record says so")
    parser.add_argument("--quick", action="store_true", help="one small round, to see that it works")
    args = parser.parse_args()
    size = (SESSIONS, LOCATIONS, STEPS)
    if args.quick:
        args.rounds, size = 1, ("10000", "20", "24")
    program = args.build / "bench" / "media_energy"
    seeds = [str(seed) for seed in range(1, args.rounds + 1)]
    results = {"trace": TRACE.name}
    for fleet in FLEETS:
        for idle in IDLE:
            print(f"{fleet} fleet, idle servers {idle}", file=sys.stderr, flush=True)
            runs = [json.loads(lib.run_pinned([program, "day", TRACE, fleet, idle, seed, *size], core=1, timeout=1800))
                    for seed in seeds]
            results[f"{fleet}_{idle}"] = of_day(runs)
    for policy in ("plan", "greenest"):
        print(f"20,000 players by {policy}", file=sys.stderr, flush=True)
        runs = [json.loads(lib.run_pinned([program, "herd", policy, TTL, seed], core=1, timeout=600)) for seed in seeds]
        results[f"herd_{policy}"] = {
            event: {key: worst(runs, event, key)
                    for key in ("peak", "overload_s", "over_until_s", "switches_per_session_hour")} for event in EVENTS}
    cells = [results[f"{fleet}_{idle}"]["plan_energy"]["energy_vs_nearest"] for fleet in FLEETS for idle in IDLE]
    standby = [results[f"{fleet}_standby"]["plan_energy"]["energy_vs_nearest"] for fleet in FLEETS]
    possible = [results[f"{fleet}_standby"]["least"]["energy_vs_nearest"] for fleet in FLEETS]
    results["meets"] = {
        "never_worse_than_nearest": max(cells) <= 0,
        "standby_saves_40_percent": max(standby) <= -0.4,
        "40_percent_is_possible_on_this_day": max(possible) <= -0.4,
        "switches_at_most_2_an_hour": all(results[f"{fleet}_{idle}"][name]["switches_per_session_hour"] <= 2
                                          for fleet in FLEETS for idle in IDLE for name in ("plan_energy", "plan_carbon")),
        "peak_at_most_0.95": all(results["herd_plan"][event]["peak"] <= 0.95 for event in EVENTS)}
    if args.dry:
        print(json.dumps(results, indent=1))
    else:
        name = "media_energy_not_quiet" if args.not_quiet else "media_energy"
        print(json.dumps(lib.append_result(name, args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
