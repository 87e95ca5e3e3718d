#!/usr/bin/env python3
"""What is run before a claim: second compiler, sanitizers, fuzzing, long seeds, benchmarks.

    tools/nightly.py [--jobs N] [--fuzz-seconds N] [--seeds N] [--only STEP …]

Every step is run, whatever became of the others. build/nightly/summary.md says what passed, what
failed and what is not there to be run, with commit, machine and the time that each command took; it
is written before and after each step, so that a run that was ended says where it stood.
build/nightly/STEP.log holds the output. Exits with 1 if a step failed and with 130 if it was
interrupted. A step that finds nothing to run is named "absent" and is no success.
"""

import argparse
import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "nightly"
# A sanitized build of one large source takes this much memory; limits how many run side by side.
SANITIZED_COMPILER_BYTES = 2_500_000_000


# A step that takes longer hangs: all its processes are ended, and it has failed.
STEP_SECONDS_MAX = 3 * 60 * 60
# How long what is ended may take to end by itself.
END_SECONDS_MAX = 30


@dataclasses.dataclass
class Outcome:
    step: str
    state: str  # passed, failed, absent; interrupted; running or waiting while the night goes on
    seconds: float = 0.0
    remark: str = ""
    commands: list = dataclasses.field(default_factory=list)  # [command, seconds] in their order


class Interrupted(Exception):
    """SIGINT or SIGTERM; carries what the step had come to."""


class Interruption:
    """SIGINT and SIGTERM as KeyboardInterrupt, but not before a command that is being started is known."""

    def __init__(self):
        self.starting = self.asked = False

    def ask(self, *_):
        self.asked = True
        if not self.starting:
            raise KeyboardInterrupt

    def start(self, command, **more):
        self.starting = True
        try:
            # A group, so that all can be ended; no session, which would take its meaning from `nice`.
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0, **more)
        finally:
            self.starting = False

    def check(self):
        if self.asked:
            raise KeyboardInterrupt


INTERRUPTION = Interruption()


def end_group(child):
    """Ends a command with all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(END_SECONDS_MAX)
            return


def run(step, *commands, environment=None):
    """Runs the commands in order until one fails; the output goes into the step's log."""
    log = OUT / f"{step}.log"
    outcome = Outcome(step, "passed")
    begun = time.monotonic()
    with log.open("a", encoding="utf-8") as out:
        for command in commands:
            text = " ".join(map(str, command))
            print(f"nightly: {step}: {text}", flush=True)
            out.write(f"$ {text}\n")
            out.flush()
            started, why, child = time.monotonic(), "", None
            try:
                child = INTERRUPTION.start(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT,
                                           env=os.environ | (environment or {}))
                INTERRUPTION.check()
                code = child.wait(max(0.0, STEP_SECONDS_MAX - (started - begun)))
                why = f"ended with {code}" if code else ""
            except subprocess.TimeoutExpired:
                end_group(child)
                why = f"was ended, because the step took {STEP_SECONDS_MAX} s"
            except OSError as error:
                why = f"did not start: {error.strerror}"
            except KeyboardInterrupt:
                if child:
                    end_group(child)
                why, outcome.state = "was interrupted", "interrupted"
            now = time.monotonic()
            outcome.seconds = now - begun
            outcome.commands.append([text, round(now - started, 1)])
            print(f"nightly: {step}: took {now - started:.0f} s", flush=True)
            if why:
                outcome.remark = f"`{text}` {why}; see {log.relative_to(ROOT)}"
                if outcome.state == "interrupted":
                    raise Interrupted(outcome)
                outcome.state = "failed"
                break
    return outcome


def jobs_for_sanitizers(jobs):
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return str(max(1, min(int(jobs), memory // SANITIZED_COMPILER_BYTES)))


def tests_of(preset, options):
    jobs = jobs_for_sanitizers(options.jobs)
    return run(preset, ["cmake", "--preset", preset], ["cmake", "--build", "--preset", preset, "--parallel", jobs],
               ["tools/run_tests.py", "--preset", preset, "--jobs", jobs])


def fuzz(options):
    results = OUT / "fuzz.ndjson"
    results.unlink(missing_ok=True)
    outcome = run("fuzz", ["cmake", "--preset", "fuzz"],
                  ["cmake", "--build", "--preset", "fuzz", "--parallel", jobs_for_sanitizers(options.jobs)],
                  ["tools/fuzz_run.py", "--runs", "0", "--seconds", str(options.fuzz_seconds), "--results", str(results)])
    outcome.remark = outcome.remark or f"{options.fuzz_seconds} s each; see {results.relative_to(ROOT)}"
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
    "check": lambda options: run("check", ["cmake", "--preset", "check"],
                                 ["cmake", "--build", "--preset", "check", "--target", "lobo_api_generated"],
                                 ["tools/check.py", "--jobs", options.jobs]),
    "asan": lambda options: tests_of("asan", options),
    "tsan": lambda options: tests_of("tsan", options),
    "fuzz": fuzz,
    "seeds": seeds,
    "long": long_tests,
    "bench": bench,
}


def commit():
    return subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=ROOT, text=True,
                          capture_output=True, check=False).stdout.strip() or "unknown"


def record(outcomes, facts):
    """What there is to say so far; a rename, so that no reader finds half of it."""
    facts = facts | {"steps": [dataclasses.asdict(outcome) for outcome in outcomes]}
    lines = [f"# Nightly run of {facts['commit']}", "", f"Begun {facts['begun']} on {facts['processors']} processors "
             f"({facts['machine']}, Linux {facts['kernel']}).", "",
             "| Step | State | Minutes | Remark |", "| --- | --- | --- | --- |"]
    lines += [f"| {outcome.step} | {outcome.state} | {outcome.seconds / 60:.1f} | {outcome.remark} |"
              for outcome in outcomes]
    lines += ["", "| Step | Command | Seconds |", "| --- | --- | --- |"]
    lines += [f"| {outcome.step} | `{command}` | {seconds:.0f} |" for outcome in outcomes
              for command, seconds in outcome.commands]
    for name, text in (("summary.json", json.dumps(facts, indent=2)), ("summary.md", "\n".join(lines))):
        fresh = OUT / f"{name}.new"
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.replace(OUT / name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--jobs", default=str(os.cpu_count()))
    parser.add_argument("--fuzz-seconds", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--only", nargs="+", choices=tuple(STEPS), default=list(STEPS))
    options = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    facts = {"commit": commit(), "begun": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
             "machine": platform.machine(), "processors": os.cpu_count(), "kernel": platform.release()}
    outcomes = [Outcome(step, "waiting") for step in options.only]
    record(outcomes, facts)
    # From here on there is something to say of a run that is ended.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, INTERRUPTION.ask)
    code = 0
    for at, step in enumerate(options.only):
        (OUT / f"{step}.log").unlink(missing_ok=True)
        outcomes[at].state = "running"
        record(outcomes, facts)
        try:
            outcomes[at] = STEPS[step](options)
            code = max(code, int(outcomes[at].state != "passed"))
        except (Interrupted, KeyboardInterrupt) as stop:
            outcomes[at] = stop.args[0] if stop.args else Outcome(step, "interrupted")
            code = 130
        last = outcomes[at]
        print(f"nightly: {last.step}: {last.state} after {last.seconds:.0f} s {last.remark}", flush=True)
        record(outcomes, facts)
        if code == 130:
            break
    print(f"nightly: {sum(outcome.seconds for outcome in outcomes) / 60:.0f} minutes; "
          f"see {(OUT / 'summary.md').relative_to(ROOT)}")
    return code


if __name__ == "__main__":
    sys.exit(main())
