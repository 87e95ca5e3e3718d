#!/usr/bin/env python3
"""Sessions set up from end to end: HTTP create, policy, (network,) SEALDD, token, QUIC, flow, first datagram.

    bench/session_setup.py [--build build/bench] [--rounds 5] [--rate 20] [--count 400] [--quick] [--dry]

Each session is a new UE's; they come at a fixed rate whether or not earlier ones are ready. Two ways in turns: without a
network, and with a policy that demands its word (NRM and the simulated core confirm each UE before its session
is answered). Every server stores what it acknowledges, on core 0; the UEs are on core 1. CPU is that of each
server's process from the first create to the last first datagram; `crowd_share` is what the relay takes of its core
to keep all of them there once nobody comes any more. Accepted is a p99 of at most ten times that of
fdatasync, probed in the same folder fifty times a second meanwhile, and 20 ms more. Appends a line to bench/results/.
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

import lib
import nodes

PROBE_EVERY, PROBE_BYTES = 0.02, 4096
TIMES, AND_MS = 10, 20.0
CROWD_SECONDS = 2
PER_ROOM = 20  # as bench/session_setup.cpp

COMMON = """  server: [{{address: 127.0.0.1, port: 0}}]
  store: {{path: {folder}/{name}.sqlite}}
  auth: {{mode: "off"}}
  quotas: {{resources_per_client: 100000, requests_per_second: 100000, burst: 100000}}
"""
SINKS = "  sinks: {allow: [127.0.0.0/8], https_only: false}\n"
LOGGER = "logger: {level: warn}\n"
RELAY = """relay:
  node: n1
  server: {{address: 127.0.0.1, port: 0}}
  tls: {{cert: {folder}/pki/server.pem, key: {folder}/pki/server.key}}
  reset_key: {folder}/reset.key
  limits: {{handshakes_per_second: 0, connections: 10000}}
  sealdd: {{uri: {sealdd}}}
"""
CELL = "    - {name: cell1, downlink: 100 Gbps, uplink: 100 Gbps}\n"


class Servers:
    """All servers of a session on core 0."""

    def __init__(self, lobo, folder, names):
        self.lobo, self.folder, self.processes = lobo, folder, {}
        subprocess.run([lobo, "pki", "init", folder / "pki"], check=True, capture_output=True)
        nrm = self.network(names) if names else None
        sealdd = self.start("sealdd", "serve", "sealdd:\n" + self.common("sealdd") + SINKS)[0]
        self.start("relay", "relay", RELAY.format(folder=folder, sealdd=sealdd))
        nodes.until_registered(sealdd)
        text = "metaverse:\n" + self.common("metaverse") + SINKS + f"  sealdd: {{uri: {sealdd}}}\n"
        if nrm:
            text += f"  nrm: {{uri: {nrm}}}\n"
        self.enabler = self.start("metaverse", "serve", text)[0]
        if nrm:
            nodes.ask("POST", self.enabler + "/mm-pol/v1/policies",
                {"match": {"valServiceId": "xr"}, "networkQos": "REQUIRED",
                 "qosCeil": {"gbrDl": "1 Mbps", "pdbDl": 50}, "qosDefault": {"gbrDl": "1 Mbps", "pdbDl": 50}})

    def common(self, name):
        return COMMON.format(folder=self.folder, name=name)

    def network(self, names):
        ues = [(name, f"msisdn-49170{number:07}", f"10.{45 + number // 62500}.{number // 250 % 250}.{2 + number % 250}")
               for number, name in enumerate(names)]
        core = self.start("netsim", "netsim", "netsim:\n  server: [{address: 127.0.0.1, port: 0}]\n  cells:\n" + CELL +
                          "  ues:\n" + "".join(f"    - {{name: {name}, gpsi: {gpsi}, ipv4: {address}, cell: cell1}}\n"
                                               for name, gpsi, address in ues) +
                          "  application_functions: [lobodon]\n  behaviour: {allocation_delay: 0ms}\n")[0]
        return self.start("nrm", "serve", "nrm:\n" + self.common("nrm") + SINKS +
                          f"  nef: {{uri: {core}, allocation_events: always}}\n  ues:\n" +
                          "".join(f"    - {{val_ue: {name}, gpsi: {gpsi}}}\n" for name, gpsi, _ in ues))[0]

    def start(self, name, command, text):
        config = self.folder / f"{name}.yaml"
        config.write_text(LOGGER + text)
        self.processes[name] = lib.Process([self.lobo, command, "-c", config], core=0)
        return nodes.ready(self.processes[name])

    def cpu(self):
        return {name: lib.cpu_seconds(process.pid) for name, process in self.processes.items()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.__exit__()


class Probe(threading.Thread):
    """Milliseconds that each of some writes takes until it is on the disk, beside what is measured."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.file = open(folder / "probe", "wb", buffering=0)
        self.took, self.over = [], threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(PROBE_EVERY):
            self.file.write(os.urandom(PROBE_BYTES))
            before = time.monotonic()
            os.fdatasync(self.file.fileno())
            self.took.append((time.monotonic() - before) * 1e3)

    def end(self):
        self.over.set()
        self.join()
        self.file.close()
        return self.took


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def one(build, rate, count, network):
    with tempfile.TemporaryDirectory(prefix="lobo-setup-", dir=build) as text:
        folder = pathlib.Path(text)
        publishers = [f"a-publisher{i}" for i in range(0, count, PER_ROOM)]
        names = publishers + [f"a-{i}" for i in range(count)] if network else []
        with Servers(build / "lobo", folder, names) as servers, subprocess.Popen(
                ["taskset", "-c", "1", str(build / "bench" / "session_setup"), servers.enabler,
                 str(folder / "pki" / "ca.pem"), str(rate), str(count), "a-"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
            if load.stdout.readline() != "ready\n":
                raise SystemExit("session_setup: the publishers did not come up")
            before, probe = servers.cpu(), Probe(folder)
            load.stdin.write("go\n")
            load.stdin.flush()
            line = load.stdout.readline()
            used, since, probed = servers.cpu(), time.monotonic(), probe.end()
            time.sleep(CROWD_SECONDS)
            crowd = {name: (after - used[name]) / (time.monotonic() - since) for name, after in servers.cpu().items()}
            load.stdin.close()
            if load.wait(nodes.PATIENCE) or not line:
                raise SystemExit("session_setup: not every session came up")
            told = json.loads(line)
    took = [each / 1e3 for each in told["microseconds"]]
    return {"crowd_share": crowd["relay"], "cpu_us": {name: (used[name] - before[name]) * 1e6 / count for name in used},
            "p50_ms": percentile(took, 0.5), "p99_ms": percentile(took, 0.99),
            "per_s": count / (told["nanoseconds"] / 1e9), "fdatasync_p99_ms": percentile(probed, 0.99)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=int, default=20, help="sessions a second")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it works")
    parser.add_argument("--dry", action="store_true", help="print, append nothing")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.count = 1, 60
    runs = {"sealdd": [], "network": []}
    for _ in range(args.rounds):
        for way, measured in runs.items():
            measured.append(one(args.build.resolve(), args.rate, args.count, way == "network"))
    results = {"rate": args.rate, "count": args.count}
    for way, measured in runs.items():
        results[way] = {key: lib.summary([run[key] for run in measured], 2) for key in measured[0] if key != "cpu_us"}
        results[way]["cpu_us"] = {name: lib.summary([run["cpu_us"][name] for run in measured], 0)
                                  for name in measured[0]["cpu_us"]}
        accepted = TIMES * results[way]["fdatasync_p99_ms"]["median"] + AND_MS
        p99 = results[way]["p99_ms"]["median"]
        print(f"{way}: {sum(one['median'] for one in results[way]['cpu_us'].values()):.0f} us of CPU a set-up, p99 {p99:.1f} ms "
              f"of {accepted:.1f} ms, {'kept' if p99 <= accepted else 'MISSED'}")
    if args.dry or args.quick:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("session_setup", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
