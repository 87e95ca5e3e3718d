#!/usr/bin/env python3
"""How long flows are away when a relay node is killed with -9 and started again at once.

A SEALDD server, a relay node that belongs to it, and as many UEs as there are flows, each with a
connection of its own and thirty states of 200 octets a second. The node is killed; a new one takes its
place at the same port, with the reset key that the old one left. Measured from the kill until each
flow is let in again, and until the node has its lease; no connection of the SEALDD server may be lost.

  bench/relay_kill.py            7 rounds with 50 and with 200 flows, and a line in bench/results/
  bench/relay_kill.py --quick    one round each, and no line
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import lib
import nodes

ACCEPTED_MS = {50: (250, 500), 200: (250, 500)}  # p50, max


class Ues:
    def __init__(self, program, lines):
        self.popen = subprocess.Popen(["taskset", "-c", "1", str(program)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        self.popen.stdin.write("".join(lines) + "go\n")
        self.popen.stdin.flush()

    def until_up(self, flows, since_ns=0):
        """When each flow was let in, by the monotonic clock; the last time counts."""
        up, limit = {}, time.monotonic() + nodes.PATIENCE
        while len(up) < flows:
            if time.monotonic() > limit:
                sys.exit(f"relay_kill: {len(up)} of {flows} flows came")
            told = json.loads(self.popen.stdout.readline())
            if "up" in told and told["atNs"] > since_ns:
                up[told["up"]] = told["atNs"]
            if "refused" in told or "released" in told:
                sys.exit(f"relay_kill: a UE was put out: {told}")
        return up

    def end(self):
        self.popen.stdin.close()
        self.popen.wait(nodes.PATIENCE)


def one(build, flows, folder):
    lobo, ue = build / "lobo", next(path for path in (build / "bench" / "sdd_ue", build / "tests" / "relay_node" / "sdd_ue")
                                    if path.exists())
    subprocess.run([lobo, "pki", "init", folder / "pki"], check=True, capture_output=True)
    (folder / "sealdd.yaml").write_text(nodes.SEALDD.format(folder=folder))
    with lib.Process([lobo, "serve", "-c", folder / "sealdd.yaml"], core=0) as server:
        sealdd = nodes.ready(server)[0]
        config = folder / "relay.yaml"
        config.write_text(nodes.RELAY.format(folder=folder, port=0, sealdd=sealdd))
        relay = lib.Process([lobo, "relay", "-c", config], core=0)
        try:
            told = nodes.ready(relay)
            port, digest = int(told[0].rsplit(":", 1)[1]), told[2].removeprefix("sha256:")
            config.write_text(nodes.RELAY.format(folder=folder, port=port, sealdd=sealdd))
            nodes.until_registered(sealdd)
            ues = Ues(ue, nodes.ues_in_rooms(sealdd, port, digest, flows, 10))
            ues.until_up(flows)
            killed = time.monotonic_ns()
            relay.popen.kill()
            relay.popen.wait()
            relay = lib.Process([lobo, "relay", "-c", config], core=0)
            nodes.ready(relay)
            started = time.monotonic_ns()
            back = ues.until_up(flows, killed)
            ues.end()
            kept = len(nodes.ask("GET", sealdd + "/sdd-trans/v1/connections?limit=1000")["items"])
        finally:
            relay.__exit__()
    away = sorted((at - killed) / 1e6 for at in back.values())
    return {"start_ms": (started - killed) / 1e6, "p50_ms": away[len(away) // 2], "max_ms": away[-1], "lost": flows - kept}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="one round, and no line is appended")
    options.add_argument("--build", type=pathlib.Path, default=lib.ROOT / "build" / "bench")
    given = options.parse_args()
    if not (given.build / "lobo").exists():
        sys.exit("relay_kill: build the preset bench first")
    results, kept_all = {}, True
    for flows, (p50, most) in ACCEPTED_MS.items():
        runs = []
        for _ in range(1 if given.quick else 7):
            folder = pathlib.Path(tempfile.mkdtemp(prefix="lobo-kill-"))
            try:
                runs.append(one(given.build, flows, folder))
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        middle = {key: lib.median([run[key] for run in runs]) for key in runs[0]}
        results[f"flows_{flows}"] = {key: lib.summary([run[key] for run in runs]) for key in ("start_ms", "p50_ms", "max_ms")}
        lost = sum(run["lost"] for run in runs)
        good = middle["p50_ms"] <= p50 and middle["max_ms"] <= most and lost == 0
        kept_all = kept_all and good
        print(f"{flows} flows: the node serves after {middle['start_ms']:.0f} ms, flows are back after {middle['p50_ms']:.0f} ms (p50 of {p50}), all after {middle['max_ms']:.0f} ms "
              f"(of {most}), {lost} connections lost: {'kept' if good else 'MISSED'}")
    if not given.quick:
        lib.append_result("relay_kill", given.build, 7, results)
    return 0 if kept_all else 1


if __name__ == "__main__":
    sys.exit(main())
