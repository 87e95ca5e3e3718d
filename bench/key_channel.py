#!/usr/bin/env python3
"""Keys of the protected option by TLS: how many a second, and how soon a packet is marked.

    bench/key_channel.py [--quick]

Both ends run in one thread over loopback: keys rolled over on one connection (of which every 256th needs
another), and keys with a handshake each. Then `lobo upf` and `lobo eas` between network namespaces, as
tests/upf_live/keys_test.py has them: the time from when an end is ready again after SIGKILL until a packet
arrives marked. Appends a line to bench/results/.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

import lib

BUILD = lib.ROOT / "build" / "bench"
PROGRAM = BUILD / "bench" / "key_channel"
LIVE = lib.ROOT / "tests" / "upf_live" / "keys_test.py"
SKIPPED = 77


def keys(seconds):
    with tempfile.TemporaryDirectory() as folder:
        printed = lib.run_pinned([PROGRAM, folder + "/pki", seconds], core=1)
    return {line["name"]: line for line in map(json.loads, printed.splitlines())}


def first_marked():
    """Milliseconds by who was killed; nothing where no namespaces may be made."""
    done = subprocess.run([sys.executable, str(LIVE), "LostAndFound"], capture_output=True, text=True, timeout=300,
                          env=dict(os.environ, LOBO=str(BUILD / "lobo")), check=False)
    if done.returncode == SKIPPED:
        return []
    if done.returncode != 0:
        sys.exit(f"key_channel: {LIVE.name} failed\n{done.stderr[-2000:]}")
    return re.findall(r"(UPF|EAS) killed: marked again (\d+) ms", done.stdout)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="one short round, and no line is appended")
    quick = options.parse_args().quick
    for program in (PROGRAM, BUILD / "lobo"):
        if not program.exists():
            sys.exit(f"{program.name}: build the preset bench first")
    rounds = 1 if quick else 9
    measured = [keys(0.3 if quick else 2) for _ in range(rounds)]
    results = {name: {"keys_per_second": lib.summary([one[name]["per_second"] for one in measured]),
                      "cpu_us_each": lib.summary([one[name]["cpu_us_each"] for one in measured])}
               for name in measured[0]}
    waits = [wait for _ in range(1 if quick else 3) for wait in first_marked()]
    for who in ("UPF", "EAS"):
        times = [int(ms) for killed, ms in waits if killed == who]
        if times:
            results[f"first_marked_after_{who.lower()}_was_killed_ms"] = lib.summary(times)
    print(json.dumps(results, indent=1))
    if not quick:
        lib.append_result("key_channel", BUILD, rounds, results)


if __name__ == "__main__":
    main()
