#!/usr/bin/env python3
"""share/web/lobo-mmec.js in node: what it reads and writes is what the C++ codecs read and write."""

import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent

if __name__ == "__main__":
    if not shutil.which("node"):
        print("SKIP: node is missing")
        sys.exit(77)
    sys.exit(subprocess.run(["node", "--test", "--test-reporter=spec", str(HERE / "module.test.mjs"), str(HERE / "room.test.mjs")], check=False).returncode)
