#!/usr/bin/env python3
"""What is run before a claim: second compiler, sanitizers, fuzzing, long seeds, benchmarks.

    tools/nightly.py [--jobs N] [--fuzz-seconds N] [--seeds N] [--only STEP …]

Every step is run, whatever became of the others. build/nightly/summary.md says what passed, what
failed and what is not there to be run, with commit, machine and time; build/nightly/STEP.log holds the
output. Exits with 1 if a step failed. A step that finds nothing to run is named "absent" and is
no success.
"""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "nightly"
# A sanitized build of one large source takes this much memory; limits how many run side by side.
SANITIZED_COMPILER_BYTES = 2_500_000_000


@dataclasses.dataclass
class Outcome:
    step: str
    state: str  # passed, failed, absent
    seconds: float
    remark: str


def run(step, *commands, environment=None):
    """Runs the commands in order until one fails; the output goes into the step's log."""
    log = OUT / f"{step}.log"
    begun = time.monotonic()
    with log.open("a", encoding="utf-8") as out:
        for command in commands:
            print(f"nightly: {step}: {' '.join(map(str, command))}", flush=True)
            out.write(f"$ {' '.join(map(str, command))}\n")
            out.flush()
            code = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=False,
                                  env=os.environ | (environment or {})).returncode
            if code:
                return Outcome(step, "failed", time.monotonic() - begun,
                               f"`{' '.join(map(str, command))}` ended with {code}; see {log.relative_to(ROOT)}")
    return Outcome(step, "passed", time.monotonic() - begun, "")


def jobs_for_sanitizers(jobs):
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return str(max(1, min(int(jobs), memory // SANITIZED_COMPILER_BYTES)))


def tests_of(preset, options):
    jobs = options.jobs if preset == "clang" else jobs_for_sanitizers(options.jobs)
    return run(preset, ["cmake", "--preset", preset], ["cmake", "--build", "--preset", preset, "--parallel", jobs],
               ["tools/run_tests.py", "--preset", preset, "--jobs", jobs])


def fuzz(options):
    built = run("fuzz", ["cmake", "--preset", "fuzz"],
                ["cmake", "--build", "--preset", "fuzz", "--parallel", jobs_for_sanitizers(options.jobs)])
    if built.state != "passed":
        return built
    targets = sorted(path for path in (ROOT / "build/fuzz").rglob("*_fuzz") if os.access(path, os.X_OK)
                     and path.is_file())
    if not targets:
        return Outcome("fuzz", "absent", built.seconds, "no *_fuzz program below build/fuzz")
    commands = []
    for target in targets:
        # What is found grows below build/; the committed seeds in fuzz/corpus/NAME are read only.
        corpus = OUT / "corpus" / target.name
        corpus.mkdir(parents=True, exist_ok=True)
        seeds = ROOT / "fuzz" / "corpus" / target.name.removesuffix("_fuzz")
        commands.append([str(target), f"-max_total_time={options.fuzz_seconds}", "-timeout=10", "-rss_limit_mb=2048",
                         f"-artifact_prefix={OUT}/{target.name}-", str(corpus), *([str(seeds)] if seeds.is_dir() else [])])
    outcome = run("fuzz", *commands)
    outcome.seconds += built.seconds
    outcome.remark = outcome.remark or f"{len(targets)} targets, {options.fuzz_seconds} s each"
    return outcome


def seeds(options):
    """Long histories of the whole server; the release build is what runs them in reasonable time."""
    outcome = run("seeds", ["cmake", "--preset", "release"],
                  ["cmake", "--build", "--preset", "release", "--parallel", options.jobs, "--target", "lobo"],
                  ["build/release/lobo", "sim", "--seed", "1", "--count", str(options.seeds)])
    outcome.remark = outcome.remark or f"{options.seeds} seeds"
    return outcome


def long_tests(options):
    """Tests that take minutes: they are there only in the configuration `nightly`."""
    return run("long", ["cmake", "--preset", "dev"],
               ["cmake", "--build", "--preset", "dev", "--parallel", options.jobs],
               ["ctest", "--preset", "dev", "--build-config", "nightly", "--label-regex", "nightly",
                "--no-tests=error"])


def bench(options):
    return run("bench", ["cmake", "--preset", "bench"],
               ["cmake", "--build", "--preset", "bench", "--parallel", options.jobs], ["tools/run_benches.py"])


STEPS = {
    "check": lambda options: run("check", ["cmake", "--preset", "dev"],
                                 ["cmake", "--build", "--preset", "dev", "--parallel", options.jobs],
                                 ["tools/check.py", "--jobs", options.jobs]),
    "clang": lambda options: tests_of("clang", options),
    "asan": lambda options: tests_of("asan", options),
    "tsan": lambda options: tests_of("tsan", options),
    "fuzz": fuzz,
    "seeds": seeds,
    "long": long_tests,
    "bench": bench,
}


def record(outcomes, begun):
    commit = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=ROOT, text=True,
                            capture_output=True, check=False).stdout.strip() or "unknown"
    facts = {"commit": commit, "begun": begun, "machine": platform.machine(), "processors": os.cpu_count(),
             "kernel": platform.release(), "steps": [dataclasses.asdict(outcome) for outcome in outcomes]}
    (OUT / "summary.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    lines = [f"# Nightly run of {commit}", "", f"Begun {begun} on {os.cpu_count()} processors ({platform.machine()}, "
             f"Linux {platform.release()}).", "", "| Step | State | Minutes | Remark |", "| --- | --- | --- | --- |"]
    lines += [f"| {outcome.step} | {outcome.state} | {outcome.seconds / 60:.1f} | {outcome.remark} |"
              for outcome in outcomes]
    (OUT / "summary.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--jobs", default=str(os.cpu_count()))
    parser.add_argument("--fuzz-seconds", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--only", nargs="+", choices=tuple(STEPS), default=list(STEPS))
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    begun = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    outcomes = []
    for step in options.only:
        (OUT / f"{step}.log").unlink(missing_ok=True)
        outcomes.append(STEPS[step](options))
        last = outcomes[-1]
        print(f"nightly: {last.step}: {last.state} after {last.seconds:.0f} s {last.remark}", flush=True)
        record(outcomes, begun)
    print(f"nightly: see {(OUT / 'summary.md').relative_to(ROOT)}")
    return 1 if any(outcome.state != "passed" for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
