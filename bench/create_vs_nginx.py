#!/usr/bin/env python3
"""A validated create without storage (token cache, rules, metrics, access log) next to nginx's fixed
reply: requests per CPU-second over HTTP/1.1 and h2c, latency at 4,000 requests/s over h2c, and memory
per idle connection.

    bench/create_vs_nginx.py [--build build/bench] [--rounds 5] [--requests 20000] [--quick] [--dry]

Both servers run on core 0, h2load on core 1, taking turns within each round. Floors: 0.6 of nginx
over HTTP/1.1, 1.2 over h2c; p99 1.0 ms; 6, 20 (h2c) and 64 kB (TLS) a connection. --dry prints and does not record.
"""

import argparse
import contextlib
import json
import pathlib
import re
import socket
import ssl
import tempfile
import time

import lib
import peers

BODY_BYTES = 609
SERVER_CORE, LOAD_CORE = 0, 1
TARGET = "/ss-nra/v1/unicast-subscriptions"
SHAPES = {  # name -> (h2load words, http2)
    "http1": (["--h1", "-c", "32"], False),
    "http2": (["-c", "8", "-m", "32"], True),
}
PACED_CONNECTIONS, PACED_PER_S = 8, 4000
QUIET_SECONDS = 2.5  # after this long a quiet connection holds no read buffer


REQUIREMENT = {"gbrDl": "8 Mbps", "dlBitRate": "20 Mbps", "gbrUl": "2 Mbps", "ulBitRate": "5 Mbps",
               "packetDelayBudgetMs": 30,
               "flows": [{"flowId": 1, "flowDescriptions": ["permit out 17 from 192.0.2.10 5004 to any",
                                                            "permit in 17 from any to 192.0.2.10 5004"]}]}
QUALITIES = {  # what uniQosReq says: a name agreed on, or a requirement in all detail, JSON within JSON
    "named": "xr-gold",
    "stated": json.dumps(REQUIREMENT, separators=(",", ":")),
}


def body(quality):
    """A create with every kind of member, as long as nginx's answer."""
    document = {"valTgtUe": {"valUeId": "ue-0000000"}, "uniQosReq": QUALITIES[quality],
                "duration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400)),
                "notifUri": "http://127.0.0.1:9/notify/", "suppFeat": "1"}
    length = len(json.dumps(document, separators=(",", ":")))
    document["notifUri"] += "n" * (BODY_BYTES - length)
    text = json.dumps(document, separators=(",", ":"))
    assert len(text) == BODY_BYTES, len(text)
    return text


class Creates:
    """Our server, with a folder for its keys and its access log."""

    def __init__(self, binary, *words):
        self.folder = tempfile.TemporaryDirectory(prefix="lobo-create-")
        self.process = lib.Process([binary, self.folder.name, *words], SERVER_CORE)
        self.port = int(self.process.line().split()[1])
        self.token = self.process.line().split()[1]
        self.worker = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.__exit__()
        self.folder.cleanup()


def run(server, token, words, requests, data):
    printed = lib.run_pinned([lib.need("h2load"), *words, "-n", requests, "-d", data,
                              "-H", "content-type: application/json", "-H", f"authorization: Bearer {token}",
                              f"http://127.0.0.1:{server.port}{TARGET}"], LOAD_CORE)
    codes = re.search(r"(\d+) 2xx", printed)
    if not codes or int(codes.group(1)) != requests:
        raise SystemExit(f"not every one of {requests} requests was answered with success:\n{printed}")


def per_cpu_second(server, token, words, requests, data):
    before = lib.cpu_seconds(server.worker)
    run(server, token, words, requests, data)
    return requests / (lib.cpu_seconds(server.worker) - before)


def alternate(rounds, sides, measure):
    """Each side once in each round, in turns; {side: [value]}."""
    values = {name: [] for name, _ in sides}
    for turn in range(rounds):
        for name, server in sides if turn % 2 == 0 else list(reversed(sides)):
            values[name].append(measure(server))
    return values


def throughput(shape, binary, rounds, requests, data):
    words, http2 = SHAPES[shape]
    with Creates(binary) as ours, peers.Nginx(SERVER_CORE, BODY_BYTES, http2) as nginx:
        sides = [("lobo", ours), ("nginx", nginx)]
        for _, server in sides:
            run(server, ours.token, words, max(requests // 10, 1000), data)  # warm
        rates = alternate(rounds, sides, lambda server: per_cpu_second(server, ours.token, words, requests, data))
    ratios = [a / b for a, b in zip(rates["lobo"], rates["nginx"])]
    return {"lobo_per_cpu_s": lib.summary(rates["lobo"], 0), "nginx_per_cpu_s": lib.summary(rates["nginx"], 0),
            "ratio": lib.summary(ratios, 3)}


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]


def paced(server, token, requests, data):
    """(p50, p99) in milliseconds at PACED_PER_S, as h2load saw them."""
    with tempfile.NamedTemporaryFile(mode="r") as log:
        run(server, token, ["-c", PACED_CONNECTIONS, "-m", 32, f"--rps={PACED_PER_S // PACED_CONNECTIONS}",
                            f"--log-file={log.name}"], requests, data)
        micros = [int(line.split("\t")[2]) for line in log]
    return percentile(micros, 0.5) / 1000, percentile(micros, 0.99) / 1000


def latency(binary, rounds, requests, data):
    with Creates(binary) as ours, peers.Nginx(SERVER_CORE, BODY_BYTES, True) as nginx:
        sides = [("lobo", ours), ("nginx", nginx)]
        for _, server in sides:
            run(server, ours.token, SHAPES["http2"][0], 2000, data)
        pairs = alternate(rounds, sides, lambda server: paced(server, ours.token, requests, data))
    out = {}
    for name, values in pairs.items():
        for which, part in (("p50_ms", 0), ("p99_ms", 1)):
            series = [value[part] for value in values]
            out[f"{name}_{which}"] = {**lib.summary(series, 3), "best": round(min(series), 3)}
    return out


# Preface, empty SETTINGS, HEADERS of stream 1: GET / with :authority a, all from the static table.
HELLO = {
    "http1": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
             + bytes.fromhex("00000601050000000182868441" + "0161"),
}
HELLO["http2_tls"] = HELLO["http2"]


def idle_memory(shape, binary, connections):
    """KiB of the process for each connection that made one request and is quiet since."""
    tls = shape == "http2_tls"
    words = ["--connections", 4096]
    with tempfile.TemporaryDirectory(prefix="lobo-keys-") as keys:
        if tls:  # The server makes its keys as it starts: those of an earlier one are used.
            with Creates(binary) as other:
                for name in ("server.pem", "server.key"):
                    pathlib.Path(keys, name).write_bytes(pathlib.Path(other.folder.name, "pki", name).read_bytes())
            words += ["--tls", f"{keys}/server.pem", f"{keys}/server.key"]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        with Creates(binary, *words) as ours:
            def connect():
                link = socket.create_connection(("127.0.0.1", ours.port), timeout=10)
                if tls:
                    link = context.wrap_socket(link)
                link.sendall(HELLO[shape])
                link.recv(65536)
                return link
            for link in [connect() for _ in range(4)]:
                link.close()
            time.sleep(QUIET_SECONDS)
            before = lib.resident_kib(ours.worker)
            links = [connect() for _ in range(connections)]
            time.sleep(QUIET_SECONDS)
            after = lib.resident_kib(ours.worker)
            for link in links:
                link.close()
    return round((after - before) * 1.024 / connections, 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=20000)
    parser.add_argument("--quick", action="store_true", help="a tenth of it, to see that it works")
    parser.add_argument("--only", choices=["http1", "http2", "latency", "memory"])
    parser.add_argument("--dry", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.requests = 3, 8000
    binary = args.build / "bench" / "create_server"
    results = {}
    with contextlib.ExitStack() as stack:
        files = {}
        for quality in QUALITIES:
            data = stack.enter_context(tempfile.NamedTemporaryFile(mode="w"))
            data.write(body(quality))
            data.flush()
            files[quality] = data.name
        for shape in SHAPES:
            for quality in QUALITIES:
                if args.only in (None, shape):
                    results[f"{shape}_{quality}"] = throughput(shape, binary, args.rounds, args.requests, files[quality])
        if args.only in (None, "latency"):
            seconds = 1 if args.quick else 2
            results["at_4000_per_s_http2"] = latency(binary, min(args.rounds, 3), PACED_PER_S * seconds, files["named"])
    if args.only in (None, "memory"):
        results["idle_connection_kb"] = {shape: idle_memory(shape, binary, 200 if args.quick else 900) for shape in HELLO}
    if args.dry:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("create_vs_nginx", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
