"""What every benchmark script needs: processes pinned to cores, the CPU time that they used, robust
statistics, a description of the machine, and one JSON line per run under bench/results/.

CPU time comes from /proc/PID/task/*/schedstat: nanoseconds really spent on a core, so a busy
neighbour costs precision but does not count as ours.
"""

import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys

# A measurement that is told to end leaves no server behind: SIGTERM unwinds like an error.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"


class Process:
    """A program pinned to one core, ended by its own pid at the end of a `with`."""

    def __init__(self, words, core, env=None, cwd=None):
        self.popen = subprocess.Popen(
            ["taskset", "-c", str(core), *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env, cwd=cwd)
        self.pid = self.popen.pid  # taskset executes the program in its own place

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.popen.send_signal(signal.SIGTERM)
        try:
            self.popen.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()

    def line(self):
        """The next line that it prints."""
        return self.popen.stdout.readline().strip()


def run_pinned(words, core, timeout=120):
    """Runs a program on one core and returns what it printed."""
    done = subprocess.run(["taskset", "-c", str(core), *map(str, words)], capture_output=True,
                          text=True, timeout=timeout, check=True)
    return done.stdout


def cpu_seconds(pid):
    """CPU time of all threads of a process so far. Threads that ended are not counted."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def resident_kib(pid):
    """Memory that is the process's alone (private pages) plus its share of the rest."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE).group(1))


def children(pid):
    return [int(word) for word in
            pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def median(values):
    return statistics.median(values)


def mad(values):
    """Median absolute deviation: how far a typical round is from the median."""
    middle = statistics.median(values)
    return statistics.median(abs(value - middle) for value in values)


def summary(values, digits=1):
    return {"median": round(median(values), digits), "mad": round(mad(values), digits),
            "best": round(max(values), digits)}


def _first_line(words):
    try:
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def _compiler(build):
    cache = pathlib.Path(build) / "CMakeCache.txt"
    if not cache.exists():
        return "unknown", "unknown"
    text = cache.read_text()
    found = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", text, re.MULTILINE)
    flags = re.search(r"^CMAKE_CXX_FLAGS:\w+=(.*)$", text, re.MULTILINE)
    return _first_line([found.group(1), "--version"]) if found else "unknown", flags.group(1) if flags else ""


def machine(build):
    """Where and of what a result is."""
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    compiler, flags = _compiler(build)
    governor = pathlib.Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    dirty = subprocess.run(["git", "-C", str(ROOT), "diff", "--quiet", "HEAD"], check=False).returncode != 0
    return {
        "commit": _first_line(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]) + ("+" if dirty else ""),
        "cpu": cpu.group(1).strip() if cpu else "unknown",
        "cores": os.cpu_count(),
        "governor": governor.read_text().strip() if governor.exists() else "unknown",
        "compiler": compiler,
        "flags": flags,
        "preset": pathlib.Path(build).name,
        "load": round(os.getloadavg()[0], 2),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def slug(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def append_result(bench, build, rounds, results):
    """One line in bench/results/<cpu>.ndjson; returns it."""
    about = machine(build)
    line = {"bench": bench, **about, "rounds": rounds, "results": results}
    RESULTS.mkdir(parents=True, exist_ok=True)
    with open(RESULTS / f"{slug(about['cpu'])}.ndjson", "a", encoding="utf-8") as out:
        out.write(json.dumps(line) + "\n")
    return line


def need(program):
    found = shutil.which(program)
    if found is None:
        raise SystemExit(f"{program} is needed: tools/install_packages.sh nightly")
    return found
