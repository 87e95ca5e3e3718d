#!/usr/bin/env python3
"""Reports of energy taken by `lobo serve` as a media AF: for each CPU-second, and how soon it counts with them.

    bench/e3_ingest.py [--build build/bench] [--rounds 5] [--servers 10000] [--reports 40000] [--quick] [--dry]

10,000 application servers at 64 locations. First their reports as fast as they are taken, over HTTP/1.1 and HTTP/2;
then 2,000 a second, which is each server every five seconds: a report counts from when it is acknowledged, because
nothing about it is stored. The AF plans with them every second meanwhile. Server on core 0, load on core 1.
Goals: 20,000 reports for each CPU-second; acknowledged within 1 s at p99.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import urllib.request

import lib

SERVER_CORE, LOAD_CORE = 0, 1
LOCATIONS, RATE, PACED_S = 64, 2000, 10
CONFIG = """
logger: {{level: error}}
media_energy:
  server: [{{address: 127.0.0.1, port: 0}}]
  metrics: {{server: [{{address: 127.0.0.1, port: 0}}]}}
  store: {{path: {folder}/media.sqlite}}
  auth: {{mode: "off"}}
  quotas: {{resources_per_client: 1000000, requests_per_second: 1000000, burst: 1000000}}
  service_locations:
{locations}
"""


class Af:
    """`lobo serve` with one provisioning session whose content all locations have."""

    def __init__(self, binary):
        self.folder = tempfile.TemporaryDirectory(prefix="lobo-e3-")
        root = pathlib.Path(self.folder.name)
        locations = "\n".join(f"    - {{id: SL{i}, latency_ms: {10 + i}}}" for i in range(LOCATIONS))
        (root / "media.yaml").write_text(CONFIG.format(folder=root, locations=locations), encoding="utf-8")
        self.process = lib.Process([binary, "serve", "-c", root / "media.yaml"], SERVER_CORE, cwd=root)
        self.url, self.admin = self.ready()
        session = self.post("/3gpp-m1/v2/provisioning-sessions", {"provisioningSessionType": "DOWNLINK", "appId": "b"})
        self.post(session + "/content-hosting-configuration", {
            "name": "b", "ingestConfiguration": {}, "distributionConfigurations": [
                {"entryPoint": {"relativePath": "live.mpd", "contentType": "application/dash+xml"},
                 "baseURL": f"http://sl{i}.example/", "serviceLocationId": f"SL{i}"} for i in range(LOCATIONS)]})
        self.post(session + "/energy-policies", {"externalReference": "eco"})

    def ready(self):
        while True:
            line = self.process.line()
            if line.startswith("ready: "):
                return line[len("ready: "):].split()[:2]
            if not line:
                raise SystemExit("the server ended")

    def post(self, path, body):
        request = urllib.request.Request(self.url.rstrip("/") + path, data=json.dumps(body).encode(), method="POST",
                                         headers={"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.headers["location"].removeprefix(self.url.rstrip("/"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.__exit__()
        self.folder.cleanup()


def measured(af, load, servers, reports, rate, http2):
    """What the load printed, with the server's CPU time while it reported."""
    words = ["taskset", "-c", str(LOAD_CORE), str(load), af.url, str(servers), str(reports), str(rate)]
    with subprocess.Popen(words + (["--http2"] if http2 else []), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as program:
        if program.stdout.readline().strip() != "ready":
            raise SystemExit("the load did not register its servers")
        before = lib.cpu_seconds(af.process.pid)
        program.stdin.write("\n")
        program.stdin.flush()
        line = program.stdout.readline()
        used = lib.cpu_seconds(af.process.pid) - before
    result = json.loads(line)
    if result["refused"]:
        raise SystemExit(f"refused: {line}")
    return {**result, "cpu_s": used}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--servers", type=int, default=10000)
    parser.add_argument("--reports", type=int, default=40000)
    parser.add_argument("--quick", action="store_true", help="few reports, to see that it works")
    parser.add_argument("--dry", action="store_true")
    args = parser.parse_args()
    paced = RATE * PACED_S
    if args.quick:
        args.rounds, args.servers, args.reports, paced = 1, 500, 4000, 2000
    rates, paced_ms, paced_share = {"http1": [], "http2": []}, [], []
    # Each a server of its own: counters begin anew, and a sequence that was there would be a repeated one.
    for _ in range(args.rounds):
        for shape, values in rates.items():
            with Af(args.build / "lobo") as af:
                got = measured(af, args.build / "bench" / "e3_load", args.servers, args.reports, 0, shape == "http2")
                values.append(got["taken"] / got["cpu_s"])
        with Af(args.build / "lobo") as af:
            got = measured(af, args.build / "bench" / "e3_load", args.servers, paced, RATE, False)
            paced_ms.append(got["ms"])
            paced_share.append(got["cpu_s"] / got["s"])
            memory = lib.resident_kib(af.process.pid)
    results = {"servers": args.servers, "locations": LOCATIONS,
               **{f"{shape}_reports_per_cpu_s": lib.summary(values, 0) for shape, values in rates.items()},
               "paced_per_s": RATE, "paced_core_share": lib.summary(paced_share, 3),
               **{f"acknowledged_{key}_ms": round(lib.median([one[key] for one in paced_ms]), 3)
                  for key in ("p50", "p99", "worst")},
               "resident_mb": round(memory / 1024, 1), "goal": {"reports_per_cpu_s": 20000, "p99_ms": 1000}}
    if args.dry or args.quick:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("e3_ingest", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
