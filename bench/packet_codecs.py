#!/usr/bin/env python3
"""The packet codecs and their peers, in one process: nanoseconds a packet, cases in random order and
so among each other, and instructions a packet by callgrind, which no neighbour disturbs.

    bench/packet_codecs.py [--build build/bench] [--rounds 9] [--dry] [--quick]

Targets: header extension at most 10 ns, options with checksum at most 25 ns.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import lib

PACKETS = 512  # in one turn of a case
TARGETS = {"rtp_mark": 10, "options_24_even": 25, "options_24_odd": 25, "options_46_even": 25,
           "options_46_odd": 25}


def measure(program, rounds, seconds):
    printed = lib.run_pinned([program, "--benchmark_format=json", f"--benchmark_repetitions={rounds}",
                              f"--benchmark_min_time={seconds}", "--benchmark_enable_random_interleaving=true"],
                             1, timeout=900)
    times = {}
    for entry in json.loads(printed)["benchmarks"]:
        if entry.get("run_type") == "iteration":
            times.setdefault(entry["name"], []).append(entry["cpu_time"] / PACKETS)
    return times


def executed(program, case, times):
    """Instructions of a run, start-up included."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", str(program),
                               "count", case, str(times)], capture_output=True, text=True, timeout=600, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def instructions(program, case):
    """The start-up is the same for both lengths, so the difference is the work."""
    return (executed(program, case, 6) - executed(program, case, 2)) / 4 / PACKETS


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--build", type=pathlib.Path, default=lib.ROOT / "build/bench")
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--dry", action="store_true", help="print only")
    arguments.add_argument("--quick", action="store_true", help="a few seconds, printed only")
    options = arguments.parse_args()
    program = options.build / "bench/packet_codecs"
    if not program.exists():
        print(f"packet_codecs: {program} is not built; libbenchmark-dev is needed")
        return 1
    times = measure(program, 2 if options.quick else options.rounds, 0.01 if options.quick else 0.2)
    results = {}
    valgrind = subprocess.run(["valgrind", "--version"], capture_output=True, check=False).returncode == 0
    for case, values in sorted(times.items()):
        results[case] = {"ns": round(lib.median(values), 2), "mad": round(lib.mad(values), 2),
                         "best": round(min(values), 2)}
        if valgrind and not options.quick:
            results[case]["instructions"] = round(instructions(program, case), 1)
        target = f"  target {TARGETS[case]} ns" if case in TARGETS else ""
        print(f"{case:28} {results[case]['ns']:8.2f} ns (best {results[case]['best']:.2f}), "
              f"{results[case].get('instructions', '-')} instructions{target}")
    if not options.dry and not options.quick:
        lib.append_result("packet_codecs", options.build, options.rounds, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
