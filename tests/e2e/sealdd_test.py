#!/usr/bin/env python3
"""The SEALDD server as a process: an enabler, relay nodes and an operator over real HTTP."""

import base64
import http.server
import json
import queue
import signal
import threading
import time
import unittest

import harness

SERVER = """
sealdd:
  server:
    - {{address: 127.0.0.1, port: {port}}}
  metrics:
    server:
      - {{address: 127.0.0.1, port: 0}}
  store:
    path: {folder}/sealdd.sqlite
  auth:
    mode: "off"
  nodes:
    lease: {lease}
  connections:
    drain: 100ms
  sinks:
    allow: [127.0.0.0/8]
    https_only: false
"""


class Sink:
    """Takes notifications, in order."""

    def __init__(self):
        heard = self.heard = queue.Queue()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                heard.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self):
        return self.heard.get(timeout=harness.PATIENCE)

    def end(self):
        self.server.shutdown()
        self.server.server_close()


class Relay:
    """A relay node as far as the server sees one."""

    def __init__(self, case, name, port):
        self.case, self.name, self.port, self.sequence, self.seen = case, name, port, 0, 0

    def enrol(self, boot="b1"):
        answer = self.case.ask("PUT", f"/sdd-rly/v1/nodes/{self.name}", body={
            "connInfo": {"ipv4Addr": "127.0.0.1", "port": self.port}, "bootId": boot, "capacity": {"flows": 1000},
            "ordersSeen": self.seen})
        self.case.assertIn(answer.status, (200, 201), answer.text)
        self.epoch = answer.json["epoch"]
        return answer.json

    def tell(self, flow, state):
        self.sequence += 1
        return self.case.ask("POST", f"/sdd-rly/v1/nodes/{self.name}/reports", body={
            "seq": self.sequence, "epoch": self.epoch, "ordersSeen": self.seen,
            "flows": [{"flowId": flow, "state": state}]})

    def orders(self, wait=0):
        answer = self.case.ask("GET", f"/sdd-rly/v1/nodes/{self.name}/orders?after={self.seen}&wait={wait}")
        orders = answer.json["orders"]
        self.seen = orders[-1]["order"] if orders else self.seen
        return orders


class SealddServer(harness.Case):
    def setUp(self):
        super().setUp()
        self.sink = Sink()
        self.addCleanup(self.sink.end)

    def begin(self, lease="3s", port=0):
        config = self.write("sealdd.yaml", SERVER.format(folder=self.folder, lease=lease, port=port))
        self.server = self.start("serve", "-c", config)
        self.url, self.admin_url = self.server.ready()[:2]

    def connect(self, ue, room="r1"):
        answer = self.ask("POST", "/sdd-trans/v1/connections", body={
            "room": room, "valServiceId": "xr.meet", "valServerId": "v1", "valTargetUe": {"valUeId": ue},
            "notifUri": self.sink.url, "flows": {f"urn:avatar:{ue}": {"direction": "BIDI"}}})
        self.assertEqual(answer.status, 201, answer.text)
        return answer.json

    @staticmethod
    def flow(connection):
        return next(iter(connection["flows"].values()))["flowIds"][0]

    def test_a_connection_is_made_established_and_released(self):
        self.begin()
        node = Relay(self, "n1", 4433)
        keys = node.enrol()["tokenKeys"]
        self.assertEqual(len(base64.b64decode(keys[0]["publicKey"])), 32)
        made = self.connect("ue-1")
        self.assertEqual(made["ddServerConnInfo"], {"ipv4Addr": "127.0.0.1", "port": 4433})
        token = base64.urlsafe_b64decode(made["token"] + "=" * (-len(made["token"]) % 4))
        self.assertIn(b"urn:avatar:ue-1", token)
        self.assertEqual(node.tell(self.flow(made), "UP").status, 200)
        self.assertEqual(self.sink.next()["state"], "ESTABLISHED")
        node.orders()
        path = made["self"].removeprefix(self.url)
        self.assertEqual(self.ask("DELETE", path).status, 204)
        self.assertEqual([one["kind"] for one in node.orders(wait=5000)], ["releaseFlow"])
        node.tell(self.flow(made), "CLOSED")
        self.assertEqual(self.sink.next()["state"], "RELEASED")
        self.assertEqual(self.ask("GET", path).status, 404)

    def test_what_was_acknowledged_outlives_the_process_and_tokens_stay_good(self):
        self.begin()
        node = Relay(self, "n1", 4433)
        keys = node.enrol()["tokenKeys"]
        made = [self.connect(f"ue-{i}") for i in range(20)]
        self.server.signal(signal.SIGKILL)
        self.server.wait()
        self.begin(port=int(self.url.rsplit(":", 1)[1]))
        self.assertEqual(node.enrol()["tokenKeys"], keys)
        for one in made:
            again = self.ask("GET", one["self"].removeprefix(self.url))
            self.assertEqual(again.status, 200, again.text)
            self.assertEqual(again.json["token"], one["token"])
            self.assertEqual(again.json["nodeId"], "n1")
        self.assertEqual(node.enrol()["rooms"], [{"room": "r1", "epoch": made[0]["epoch"]}])

    def test_a_node_that_is_lost_is_taken_over_and_fenced(self):
        self.begin(lease="500ms")
        lost, other = Relay(self, "n1", 4433), Relay(self, "n2", 4434)
        lost.enrol()
        made = self.connect("ue-1")
        until = time.monotonic() + harness.PATIENCE
        other.enrol()
        while self.sink.heard.empty() and time.monotonic() < until:
            other.orders(wait=100)  # the server's patience, not ours: asked without it, it answers 429
            other.enrol()
        moved = self.sink.next()
        self.assertEqual((moved["nodeId"], moved["cause"]), ("n2", "NODE_LOST"))
        self.assertGreater(moved["epoch"], made["epoch"])
        refused = lost.tell(self.flow(made), "UP")
        self.assertEqual((refused.status, refused.json["cause"]), (409, "STALE_EPOCH"))

    def test_it_ends_when_it_is_told_to_and_says_how_it_is(self):
        self.begin()
        for status in ("health", "ready", "capabilities"):
            self.assertEqual(harness.ask(f"{self.admin_url}/status/{status}").status, 200, status)
        self.assertIn("lobo_sealdd_nodes_alive", harness.ask(self.admin_url + "/metrics").text)
        self.server.signal(signal.SIGTERM)
        self.assertEqual(self.server.wait(), 0)


if __name__ == "__main__":
    unittest.main()
