#!/usr/bin/env python3
"""From a degradation at the core to the callback at the application: 1,000 subscriptions in one cell of
`lobo netsim` lose what they reserved at one stroke, and `lobo serve` tells their applications.

    bench/notify_latency.py [--build build/bench] [--rounds 6] [--subscriptions 1000] [--quick] [--dry]

Real processes, real sockets, the store on disk. Each round narrows the cell or widens it again; the
latency of a notification is from the sending of that command to its arrival. Once with one sink for
all, once with 100. Also: notifications per CPU-second of the notifier alone, over a store in memory,
through bench/notify_rate. Goals: p99 within 1 s; 40,000 notifications per CPU-second over h2c.
"""

import argparse
import asyncio
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import tempfile
import threading
import time

import lib
import peers

CORES = f"0-{(os.cpu_count() or 1) - 1}"
FEATURES = "70000000001"
PATIENCE = 30.0
CREATORS = 16
RATE_LOAD = (512, 50)  # subscriptions, notifications each: as many as wait in memory, none re-read

NETWORK = """netsim:
  server:
    - {{address: 127.0.0.1, port: 0}}
  cells:
    - {{name: cell1, downlink: 100 Gbps, uplink: 100 Gbps}}
  ues:
{ues}
  qos_profiles:
    - {{name: xr-gold, downlink: 4 Mbps, uplink: 1 Mbps, delay: 30ms, loss_percent: 0.1}}
  application_functions: [lobodon]
"""

SERVER = """logger:
  file: {folder}/server.log
nrm:
  server:
    - {{address: 127.0.0.1, port: 0}}
  metrics:
    server:
      - {{address: 127.0.0.1, port: 0}}
  store:
    path: {folder}/store.sqlite
  auth:
    mode: "off"
  nef:
    uri: {nef}
    allocation_events: always
  ues:
{ues}
  qos_references: [xr-gold]
  sinks:
    allow: [127.0.0.0/8]
    https_only: false
  quotas:
    requests_per_second: 1000000
    burst: 1000000
"""


class Link(asyncio.Protocol):
    """One connection of HTTP/1.1 to an application: answers 204 and notes when each request came, and to which path."""

    def __init__(self, arrivals):
        self.arrivals = arrivals
        self.unread = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.unread += data
        while (end := self.unread.find(b"\r\n\r\n")) >= 0:
            head = self.unread[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15:].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.unread) < end + 4 + length:
                return
            self.unread = self.unread[end + 4 + length:]
            self.arrivals.append((time.monotonic(), head.split(b" ", 2)[1].decode()))
            self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


class Sinks:
    """Applications that listen, in a thread of their own."""

    def __init__(self, count):
        self.arrivals = []
        self.ports = []
        self.loop = asyncio.new_event_loop()
        started = threading.Event()

        async def listen():
            for _ in range(count):
                server = await self.loop.create_server(lambda: Link(self.arrivals), "127.0.0.1", 0)
                self.ports.append(server.sockets[0].getsockname()[1])
            started.set()

        def run():
            asyncio.set_event_loop(self.loop)
            self.loop.run_until_complete(listen())
            self.loop.run_forever()

        threading.Thread(target=run, daemon=True).start()
        started.wait(PATIENCE)

    def wait(self, count):
        """The arrivals so far, once there are so many."""
        end = time.monotonic() + PATIENCE
        while len(self.arrivals) < count and time.monotonic() < end:
            time.sleep(0.005)
        return list(self.arrivals)

    def end(self):
        self.loop.call_soon_threadsafe(self.loop.stop)


def ready(process):
    while line := process.line():
        if line.startswith("ready: "):
            return [url.split("//")[1].rstrip("/") for url in line[len("ready: "):].split()]
    raise SystemExit("a process ended before it was ready")


def post(link, path, document):
    link.request("POST", path, json.dumps(document), {"content-type": "application/json"})
    answer = link.getresponse()
    text = answer.read()
    if answer.status not in (200, 201):
        raise SystemExit(f"POST {path}: {answer.status} {text[:500]!r}")


def create_all(authority, ports, subscriptions):
    def some(first):
        link = http.client.HTTPConnection(authority, timeout=PATIENCE)
        for number in range(first, subscriptions, CREATORS):
            post(link, "/ss-nra/v1/unicast-subscriptions",
                 {"valTgtUe": {"valUeId": f"ue{number}"}, "uniQosReq": "xr-gold", "suppFeat": FEATURES,
                  "notifUri": f"http://127.0.0.1:{ports[number % len(ports)]}/n{number}"})
        link.close()
    with concurrent.futures.ThreadPoolExecutor(CREATORS) as pool:
        list(pool.map(some, range(CREATORS)))


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]


def degrade(build, sink_count, rounds, subscriptions):
    sinks = Sinks(sink_count)
    with contextlib.ExitStack() as stack:
        stack.callback(sinks.end)
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lobo-latency-")))
        gpsi = [f"msisdn-49170{n:07}" for n in range(subscriptions)]
        (folder / "network.yaml").write_text(NETWORK.format(ues="\n".join(
            f"    - {{name: ue{n}, gpsi: {gpsi[n]}, ipv4: 10.45.{n // 250}.{n % 250 + 1}, cell: cell1}}"
            for n in range(subscriptions))))
        network = stack.enter_context(lib.Process([build / "lobo", "netsim", "-c", folder / "network.yaml"], CORES))
        nef = ready(network)[0]
        (folder / "server.yaml").write_text(SERVER.format(folder=folder, nef=f"http://{nef}", ues="\n".join(
            f"    - {{val_ue: ue{n}, gpsi: {gpsi[n]}}}" for n in range(subscriptions))))
        server = stack.enter_context(lib.Process([build / "lobo", "serve", "-c", folder / "server.yaml"], CORES))
        create_all(ready(server)[0], sinks.ports, subscriptions)
        control = http.client.HTTPConnection(nef, timeout=PATIENCE)
        p50, p99, last, rates, expected = [], [], [], [], len(sinks.wait(0))
        for turn in range(rounds):
            began = time.monotonic()
            post(control, "/netsim-control/v1/cells/cell1/capacity",
                 {"capacityDl": "1 bps" if turn % 2 == 0 else "100 Gbps"})
            expected += subscriptions
            came = sinks.wait(expected)
            if len(came) != expected:
                raise SystemExit(f"{expected - len(came)} of {subscriptions} notifications missing after {PATIENCE} s")
            latencies = [at - began for at, _ in came[-subscriptions:]]
            p50.append(percentile(latencies, 0.5))
            p99.append(percentile(latencies, 0.99))
            last.append(max(latencies))
            rates.append(subscriptions / max(latencies))
    fastest = lambda values: {**lib.summary(values, 3), "best": round(min(values), 3)}
    return {"p50_s": fastest(p50), "p99_s": fastest(p99), "last_s": fastest(last),
            "notifications_per_s": lib.summary(rates, 0)}


def notifier_alone(build, sink_count, rounds, http2):
    """Notifications per CPU-second of the notifier, sinks in other processes."""
    values = []
    with contextlib.ExitStack() as stack:
        sinks = [stack.enter_context(peers.Ours(1, build / "bench" / "http_echo_server"))
                 for _ in range(sink_count)]
        addresses = [f"127.0.0.1:{sink.port}" for sink in sinks]
        words = [] if http2 else ["--http1"]
        for _ in range(rounds):
            printed = json.loads(lib.run_pinned(
                [build / "bench" / "notify_rate", *RATE_LOAD, *words, *addresses], 0))
            if printed["left"]:
                raise SystemExit(f"notifications were not delivered: {printed}")
            values.append(printed["per_cpu_s"])
    return lib.summary(values, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--subscriptions", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="two rounds, to see that it works")
    parser.add_argument("--dry", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.rounds = 2
    results = {
        "subscriptions": args.subscriptions,
        "notifier_alone_per_cpu_s": {"http2_1_sink": notifier_alone(args.build, 1, args.rounds, True),
                                     "http2_100_sinks": notifier_alone(args.build, 100, args.rounds, True),
                                     "http1_1_sink": notifier_alone(args.build, 1, args.rounds, False)},
        "1_sink": degrade(args.build, 1, args.rounds, args.subscriptions),
        "100_sinks": degrade(args.build, 100, args.rounds, args.subscriptions),
    }
    if args.dry:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("notify_latency", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
