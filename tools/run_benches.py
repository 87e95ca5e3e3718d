#!/usr/bin/env python3
"""Runs every measurement of bench/ one after the other: tools/run_benches.py [--quick] [NAME …]

A measurement is a script of bench/ with a main of its own; each appends its line to bench/results.
--quick runs each that knows how for a few seconds, to see that it works. All are run, whatever became
of the others; exits with 1 if one failed and with 2 if there is none.
"""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def measurements():
    return [path for path in sorted((ROOT / "bench").glob("*.py"))
            if "if __name__ ==" in path.read_text(encoding="utf-8")]


def main(words):
    options = [word for word in words if word == "--quick"]
    wanted = [word for word in words if word not in options]
    chosen = [path for path in measurements() if not wanted or path.stem in wanted]
    if not chosen:
        print("run_benches: nothing to measure; known: " + ", ".join(path.stem for path in measurements()))
        return 2
    failed = []
    for number, path in enumerate(chosen, 1):
        print(f"run_benches: {number} of {len(chosen)}: {path.stem}", flush=True)
        known = [option for option in options if f'"{option}"' in path.read_text(encoding="utf-8")]
        if subprocess.run([sys.executable, str(path), *known], cwd=ROOT, check=False).returncode:
            failed.append(path.stem)
    print(f"run_benches: {len(chosen)} run, failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
