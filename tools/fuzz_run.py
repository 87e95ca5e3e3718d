#!/usr/bin/env python3
"""Runs fuzz targets and records what each did: tools/fuzz_run.py [--runs N] [--seconds N] [NAME …]

Each target below build/fuzz runs once, one after the other, until it has executed --runs inputs or
--seconds are over (0: no such limit). What it finds new grows below build/fuzz/corpus; the committed
seeds in fuzz/corpus/NAME are read only. Each run appends one line to --results, else to
bench/results/fuzz.ndjson: target, executions, seconds, findings, sanitizers, commit, compiler,
processor, date. A target that was interrupted, or that a busy machine made wait for too long, is
recorded with what it had done. --table prints the newest line of each target, and what all its lines
executed together. Exits with 1 if there was a finding and with 2 if there is no target.
"""

import argparse
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench"))

import lib  # noqa: E402  (the path above comes first)

BUILD = ROOT / "build" / "fuzz"
RESULTS = ROOT / "bench" / "results" / "fuzz.ndjson"
SUFFIX = "_fuzz"
# libFuzzer's own limits: one input that takes longer, or a target that needs more memory, is a finding.
INPUT_SECONDS_MAX = 10
MEMORY_MIB_MAX = 2048
# What libFuzzer puts before the digest of an input that it keeps as a finding.
FINDINGS = ("crash-", "leak-", "timeout-", "oom-")


def targets():
    """name -> program, for each target that is built."""
    return {path.name.removesuffix(SUFFIX): path for path in sorted(BUILD.rglob(f"*{SUFFIX}"))
            if path.is_file() and os.access(path, os.X_OK)}


def sanitizers():
    """What the tree was compiled with, as cmake/compiler.cmake says it."""
    text = (ROOT / "cmake" / "compiler.cmake").read_text(encoding="utf-8")
    flags = re.search(r"set\(fuzz_options -fsanitize=(\S+)", text).group(1).split(",")
    return [flag for flag in flags if not flag.startswith("fuzzer")]


def command(program, name, folder, options):
    """How a target is called. What it is told of its limits is what the record says of it."""
    seeds = ROOT / "fuzz" / "corpus" / name
    corpus = BUILD / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    limits = ([f"-runs={options.runs}"] if options.runs else []) + (
        [f"-max_total_time={options.seconds}"] if options.seconds else [])
    return [str(program), *limits, f"-timeout={INPUT_SECONDS_MAX}", f"-rss_limit_mb={MEMORY_MIB_MAX}",
            "-print_final_stats=1", f"-artifact_prefix={folder}/", str(corpus),
            *([str(seeds)] if seeds.is_dir() else [])]


def executions(output):
    """How many inputs were executed: the statistics at the end, else the last count that was printed."""
    stated = re.findall(r"^stat::number_of_executed_units:\s*(\d+)", output, re.MULTILINE)
    counted = stated or re.findall(r"^#(\d+)\s", output, re.MULTILINE)
    return int(counted[-1]) if counted else 0


def kept(folder):
    """Files of inputs that are findings."""
    return sorted(path.name for path in folder.iterdir() if path.name.startswith(FINDINGS))


def stands(program, file):
    """Whether a finding is one. libFuzzer's timeout is wall time, which a busy machine takes from any
    input: it stands if the input alone takes as much CPU time."""
    if not file.name.startswith("timeout-"):
        return True
    limit = (INPUT_SECONDS_MAX, INPUT_SECONDS_MAX + 1)
    return subprocess.run([str(program), str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, limit), check=False).returncode != 0


class Interruption:
    """SIGINT and SIGTERM, at any moment: the target that runs is asked to end in its own way."""

    def __init__(self):
        self.asked = False
        self.child = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.ask)

    def ask(self, *_):
        self.asked = True
        self.forward()

    def forward(self):
        if self.asked and self.child:
            self.child.send_signal(signal.SIGINT)  # libFuzzer prints its statistics and ends

    def wait(self, child):
        self.child = child
        self.forward()  # it may have been asked while the child was being started
        child.wait()
        self.child = None


def run(name, program, options, interruption):
    """Runs one target; what is recorded of it, and its findings."""
    folder = BUILD / "findings" / name
    folder.mkdir(parents=True, exist_ok=True)
    known = kept(folder)
    log = BUILD / f"{name}.log"
    begun = time.monotonic()
    with log.open("w", encoding="utf-8", errors="replace") as out:
        # A process group of its own: Ctrl-C reaches it through us, and once. A session of its own would
        # make the kernel weigh it against all others as a whole, and `nice` would say nothing any more.
        child = subprocess.Popen(command(program, name, folder, options), stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=out, cwd=ROOT, process_group=0)
        interruption.wait(child)
    seconds = time.monotonic() - begun
    output = log.read_text(encoding="utf-8", errors="replace")
    fresh = [file for file in kept(folder) if file not in known]
    found = [file for file in fresh if stands(program, folder / file)]
    for file in set(fresh) - set(found):
        (folder / file).unlink()
    # A target that ends by itself without keeping an input has failed all the same.
    findings = len(found) or int(child.returncode != 0 and not fresh and not interruption.asked)
    return {"target": name, "executions": executions(output), "seconds": round(seconds, 1),
            "findings": findings, "interrupted": interruption.asked, "sanitizers": sanitizers(), **machine()}, found


def machine():
    """Of what and where, as the results of bench/ say it."""
    about = lib.machine(BUILD)
    return {key: about[key] for key in ("commit", "compiler", "flags", "cpu", "cores", "load", "date")}


def newest(lines):
    """target -> its newest record, with what all of its records executed together."""
    records = {}
    for entry in map(json.loads, lines):
        entry["all"] = entry["executions"] + records.get(entry["target"], {"all": 0})["all"]
        records[entry["target"]] = entry
    return records


def table(records):
    lines = ["target            executions   seconds  findings  sanitizers         date         all runs"]
    for name, entry in sorted(records.items()):
        lines.append(f"{name:<16}  {entry['executions']:>10,}  {entry['seconds']:>8,.0f}  {entry['findings']:>8}"
                     f"  {','.join(entry['sanitizers']):<17}  {entry['date'][:10]}  {entry['all']:>11,}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000_000)
    parser.add_argument("--seconds", type=int, default=900)
    parser.add_argument("--table", action="store_true", help="print the newest record of each target")
    parser.add_argument("--results", type=pathlib.Path, default=RESULTS)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.table:
        print(table(newest(options.results.read_text(encoding="utf-8").splitlines())))
        return 0
    built = targets()
    unknown = [name for name in options.names if name not in built]
    if unknown or not built:
        print(f"fuzz_run: not built: {', '.join(unknown) or 'any target'}; cmake --preset fuzz")
        return 2
    interruption = Interruption()
    findings = 0
    for number, name in enumerate(options.names or built, 1):
        print(f"fuzz_run: {number} of {len(options.names or built)}: {name}", flush=True)
        record, found = run(name, built[name], options, interruption)
        findings += record["findings"]
        print(f"fuzz_run: {name}: {record['executions']} executions in {record['seconds']:.0f} s, "
              f"{record['findings']} findings {' '.join(found)}", flush=True)
        with options.results.open("a", encoding="utf-8") as out:
            out.write(json.dumps(record) + "\n")
        if interruption.asked:
            print("fuzz_run: interrupted")
            return 130
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
