#!/usr/bin/env python3
"""Layout, headers alone, clang-tidy: what `make check` runs on a configured build/check.

    tools/check.py [--jobs N] [--only layout|headers|tidy] [--fix] [FILE …]

With files, only these are looked at. With --fix, layout is applied and clang-tidy mends what it can,
one file after the other. Prints each finding and a line at the end; exits with 1 if there was one.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
# The dev preset with each source by itself; its generated headers are all that is built.
BUILD = ROOT / "build" / "check"
FOLDERS = ("src/", "apps/", "gst/", "tests/", "fuzz/", "bench/")
# Compiled by presets of their own, and where QUIC's libraries are not; clang-tidy looks at what the check preset compiles.
WITHOUT_COMMANDS = ("fuzz/", "bench/", "src/adapters/quic/absent/")
# What cmake/compiler.cmake adds for clang: the commands are g++'s, and -Werror is among them.
FLAGS_OF_CLANG = ("-Wno-deprecated-declarations", "-Wno-deprecated-enum-enum-conversion")


def sources(suffixes):
    listing = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others",
                              "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True)
    names = sorted({name.decode() for name in listing.stdout.split(b"\0") if name})
    return [name for name in names if name.startswith(FOLDERS) and name.endswith(suffixes)
            and (ROOT / name).exists()]


def in_parallel(jobs, what, command_of, files):
    """Runs a command for each file; prints what failed; returns how many did."""
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        runs = {pool.submit(subprocess.run, command_of(file), cwd=ROOT, text=True, check=False,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT): file for file in files}
        for done, run in enumerate(concurrent.futures.as_completed(runs), 1):
            result = run.result()
            if result.returncode:
                failed += 1
                print(f"{what}: {runs[run]}\n{result.stdout}", flush=True)
            if done % 20 == 0:
                print(f"{what}: {done} of {len(files)}", flush=True)
    print(f"{what}: {len(files)} files, {failed} with findings", flush=True)
    return failed


def commands():
    """file (relative) -> its compile command without launcher."""
    found = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text(encoding="utf-8")):
        words = shlex.split(entry["command"])
        while words and not words[0].endswith(("c++", "g++", "gcc", "clang++", "clang++-19")):
            words.pop(0)  # ccache
        file = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if file.is_relative_to(ROOT):
            found[str(file.relative_to(ROOT))] = words
    return found


def header_flags(all_commands):
    """Where the build looks for headers, and what it warns of."""
    flags = []
    for words in all_commands.values():
        for at, word in enumerate(words):
            pair = ["-isystem", words[at + 1]] if word == "-isystem" else [word] if word.startswith(("-I", "-W")) else []
            if pair and pair not in flags:
                flags.append(pair)
    return [flag for pair in flags for flag in pair]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", choices=("layout", "headers", "tidy"))
    parser.add_argument("--fix", action="store_true")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()

    def chosen(names):
        wanted = {os.path.relpath(pathlib.Path(file).resolve(), ROOT) for file in options.files}
        return [name for name in names if not wanted or name in wanted]

    failed = 0
    known = commands() if options.only != "layout" else {}
    if options.only in (None, "layout"):
        failed += in_parallel(options.jobs, "layout", lambda file:
                              ["clang-format-19", *(["-i"] if options.fix else ["--dry-run", "-Werror"]), file],
                              chosen(sources((".hpp", ".cpp"))))
    if options.only in (None, "headers"):
        # As the first thing of an empty source: #pragma once in a main file would be a warning.
        flags = header_flags(known)
        failed += in_parallel(options.jobs, "headers", lambda file:
                              ["g++", "-std=c++20", "-fsyntax-only", *flags,
                               "-include", str(ROOT / file), "-x", "c++", "/dev/null"],
                              chosen(sources((".hpp",))))
    if options.only in (None, "tidy"):
        files = [file for file in chosen(sources((".cpp",))) if file in known]
        left = [file for file in chosen(sources((".cpp",)))
                if file not in known and not file.startswith(WITHOUT_COMMANDS)]
        for file in left:
            print(f"tidy: {file} is compiled by no target of the check preset")
        failed += len(left)
        # Mended one by one: two runs that mend the same header would spoil it.
        failed += in_parallel(1 if options.fix else options.jobs, "tidy", lambda file:
                              ["clang-tidy-19", "--quiet", *(["--fix"] if options.fix else []), file, "--",
                               *known[file][1:], *FLAGS_OF_CLANG], files)
    print("check: " + ("passed" if failed == 0 else f"{failed} files with findings"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
