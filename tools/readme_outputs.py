#!/usr/bin/env python3
"""Puts the real output of commands into documents: tools/readme_outputs.py [--check] [--only TEXT] [FILE …]

A block looks like this, and everything between its two comments belongs to this script:

    <!-- output: make test, last 4 lines -->
    <!-- /output -->

The command runs in the root of the repository by bash; "last N lines" keeps the end and shows that
something was left out. A command that fails leaves its block as it was and ends the script with 1.
--only runs the blocks whose command contains TEXT; --check runs nothing and fails on blocks that are
empty or not closed. Without files, README.md is meant.
"""

import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(?P<head><!-- output: (?P<command>.+?)(?:, last (?P<lines>\d+) lines)? -->\n)"
                   r"(?P<body>.*?)(?P<tail><!-- /output -->)", re.DOTALL)
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def rendered(command, lines, output):
    """The block's content: the command as it is typed, and what it printed."""
    kept = ESCAPES.sub("", output).rstrip("\n").split("\n")
    if lines and len(kept) > lines:
        kept = ["…", *kept[-lines:]]
    fence = "````" if any(line.startswith("```") for line in kept) else "```"
    return f"{fence}console\n$ {command}\n" + "\n".join(line.rstrip() for line in kept) + f"\n{fence}\n"


def run(command):
    return subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=ROOT, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def refresh(text, runner=run, only=""):
    """(the text with fresh blocks, commands that failed with their output)"""
    failed = []

    def fresh(match):
        command = match.group("command")
        if only not in command:
            return match.group(0)
        print(f"readme_outputs: {command}", file=sys.stderr, flush=True)
        result = runner(command)
        if result.returncode:
            failed.append((command, result.returncode, result.stdout))
            return match.group(0)
        return match.group("head") + rendered(command, int(match.group("lines") or 0), result.stdout) + match.group("tail")
    return BLOCK.sub(fresh, text), failed


def faults(text):
    """What is wrong with the blocks of a text."""
    found = [f"the block of `{match.group('command')}` is empty" for match in BLOCK.finditer(text)
             if not match.group("body").strip()]
    if text.count("<!-- output:") != len(BLOCK.findall(text)) or text.count("<!-- /output -->") != len(BLOCK.findall(text)):
        found.append("a block is not closed, or closed twice")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("files", nargs="*", default=["README.md"])
    options = parser.parse_args()
    bad = 0
    for name in options.files:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        if options.check:
            for fault in faults(text):
                print(f"{name}: {fault}")
                bad += 1
            continue
        text, failed = refresh(text, only=options.only)
        path.write_text(text, encoding="utf-8")
        for command, code, output in failed:
            print(f"{name}: `{command}` ended with {code}:\n{output}", file=sys.stderr)
        bad += len(failed)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
