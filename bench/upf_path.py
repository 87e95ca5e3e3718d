#!/usr/bin/env python3
"""The UPF's packet path, markings protected and clear, beside touching four cache lines of a packet and copying it:
nanoseconds a packet of the thread's own time, all cases in one process in random order, and instructions a packet by
callgrind, which no neighbour disturbs; opening the options alone, by what the path uses and by the library.

    bench/upf_path.py [--build build/bench] [--rounds 9] [--dry] [--quick] [--counts]

Targets: parse, classify, open and encapsulate at most 75 ns hot and 220 ns from 134 MB; the whole path at most 130 and
320 ns at 1,000 sessions of 8 PDRs, and within twice that at 100,000. Exits with 1 where a case takes more instructions
than INSTRUCTIONS_MAX; --counts asks for these alone.
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import lib

PACKETS = {"hot": 512, "cold": 65536}
TARGETS = {"path_hot_1000": 75, "path_cold_1000": 220, "whole_hot_1000": 130, "whole_cold_1000": 320,
           "whole_hot_100000": 260, "whole_cold_100000": 640}
# What was reached, and a twentieth. Lanes of AES-NI are counted: callgrind does not know the wider ones.
INSTRUCTIONS_MAX = {"path_hot_1000": 1741, "path_clear_hot_1000": 1390, "whole_hot_1000": 2052}


def packets_of(case):
    return PACKETS["hot" if "_hot" in case else "cold"]


def measure(program, rounds, seconds):
    printed = lib.run_pinned([program, "--benchmark_format=json", f"--benchmark_repetitions={rounds}",
                              f"--benchmark_min_time={seconds}", "--benchmark_enable_random_interleaving=true"],
                             1, timeout=1800)
    times = {}
    for entry in json.loads(printed)["benchmarks"]:
        if entry.get("run_type") == "iteration":
            name = entry["name"].split("/")[0]
            times.setdefault(name, []).append(entry["real_time"] / packets_of(name))
    return times


def executed(program, case, times):
    """Instructions within Pipeline::downlink alone, what it calls included."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
                               "--toggle-collect=lobo::dataplane::Pipeline::downlink*", str(program), "count", case,
                               str(times)], capture_output=True, text=True, timeout=900, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def instructions(program, case):
    """The first pass is the same for both lengths, so the difference is the work."""
    return (executed(program, case, 5) - executed(program, case, 1)) / 4 / packets_of(case)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--build", type=pathlib.Path, default=lib.ROOT / "build/bench")
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--dry", action="store_true", help="print only")
    arguments.add_argument("--quick", action="store_true", help="few repetitions, printed only")
    arguments.add_argument("--counts", action="store_true", help="instructions alone, printed only")
    options = arguments.parse_args()
    program = options.build / "bench/upf_path"
    if not program.exists():
        print(f"upf_path: {program} is not built; libbenchmark-dev is needed")
        return 1
    results = {}
    if not options.counts:
        times = measure(program, 2 if options.quick else options.rounds, 0.05 if options.quick else 0.3)
        for case, values in sorted(times.items()):
            results[case] = {"ns": round(lib.median(values), 2), "mad": round(lib.mad(values), 2),
                             "best": round(min(values), 2)}
            target = f"  target {TARGETS[case]} ns" if case in TARGETS else ""
            print(f"{case:20} {results[case]['ns']:8.2f} ns (best {results[case]['best']:.2f}){target}", flush=True)
    above = []
    if shutil.which("valgrind") and not options.quick:
        for case, most in INSTRUCTIONS_MAX.items():
            count = round(instructions(program, case), 1)
            results.setdefault(case, {})["instructions"] = count
            above += [case] if count > most else []
            print(f"{case:20} {count:8.1f} instructions, {most} at most", flush=True)
    if not options.dry and not options.quick and not options.counts:
        lib.append_result("upf_path", options.build, options.rounds, results)
    if above:
        print(f"upf_path: more instructions than they may take: {', '.join(above)}")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
