#!/usr/bin/env python3
"""Two paths with the network behind them: SEALDD and NRM as processes, `lobo netsim` as the core, a relay node of Python's own
with two addresses. The core guides the UE over two PDU sessions before anybody is told that there are two paths, a no of it
leaves things as they were, and the end leaves nothing at the core."""

import concurrent.futures
import json
import signal
import unittest

import harness
import sealdd_test

PATHS = """  reliable_paths:
    first: {dnn: xr-a, sst: 1}
    second: {dnn: xr-b, sst: 1}
"""
QUOTA = "  quotas:\n    requests_per_second: 10000\n    burst: 10000\n"


class TwoAddresses(sealdd_test.Relay):
    """A node that is reached in two ways."""

    def enrol(self, boot="b1"):
        answer = self.case.ask("PUT", f"/sdd-rly/v1/nodes/{self.name}", body={
            "connInfo": {"ipv4Addr": "127.0.0.1", "port": self.port},
            "redundantConnInfo": {"ipv4Addr": "127.0.0.2", "port": self.port}, "bootId": boot,
            "capacity": {"flows": 1000}, "ordersSeen": self.seen})
        self.case.assertIn(answer.status, (200, 201), answer.text)
        self.epoch = answer.json["epoch"]


class NetworkBehindTwoPaths(harness.Case):
    def setUp(self):
        super().setUp()
        self.start_network()
        self.start_server(more=PATHS + QUOTA)
        self.nrm_url = self.url
        self.serve_sealdd()
        self.node = TwoAddresses(self, "n1", 4433)
        self.node.enrol()

    def serve_sealdd(self, port=0):
        self.sealdd = self.start("serve", "-c", self.write("sealdd.yaml", sealdd_test.SERVER.format(
            folder=self.folder, lease="60s", port=port) + QUOTA + f"  nrm:\n    uri: {self.nrm_url}\n    http2: false\n"))
        self.url = self.sealdd.ready()[0]

    def connect(self, ue, room="r1", more=None):
        return self.ask("POST", "/sdd-trans/v1/connections", body={
            "room": room, "valServiceId": "xr", "valServerId": "v1", "valTargetUe": {"valUeId": ue},
            "flows": {"urn:avatar:1": {"direction": "BIDI"}}, **(more or {"transType": "urllc"})})

    def held(self):
        """What NRM holds, and what stands at the core."""
        answer = harness.ask(self.nrm_url + "/ss-nra/v1/reliable-transmissions?limit=1000")
        return answer.json["items"]

    def guided(self):
        entries = harness.ask(self.net_url + "/netsim-control/v1/journal?limit=1000").json["entries"]
        made = [one for one in entries if one.get("operation") == "CreateServiceParameter" and one["status"] == 201]
        ended = [one for one in entries if one.get("operation") == "DeleteServiceParameter" and one["status"] == 204]
        return len(made) - len(ended), made

    def connections(self):
        return self.ask("GET", "/sdd-trans/v1/connections?limit=1000").json["items"]

    def release(self):
        for one in self.connections():
            self.assertEqual(self.ask("DELETE", "/sdd-trans/v1/connections/" + one["connectionId"]).status, 204)

        def left():
            # One whose answer was lost with the server may be settled, and seen, only now.
            for one in self.connections():
                self.ask("DELETE", "/sdd-trans/v1/connections/" + one["connectionId"])
            for order in self.node.orders():
                if order["kind"] == "releaseFlow":
                    self.node.tell(order["flowId"], "CLOSED")
            return len(self.connections()), len(self.held()), self.guided()[0]
        self.until(left, (0, 0, 0))

    def test_the_core_guides_the_ue_over_two_sessions_until_the_connection_is_gone(self):
        made = self.connect("ue1")
        self.assertEqual(made.status, 201, made.text)
        self.assertEqual(made.json["reliable"], "CONFIRMED")
        self.assertEqual(len(made.json["flows"]["urn:avatar:1"]["flowIds"]), 2)
        self.assertEqual(made.json["redundantConnInfo"]["ipv4Addr"], "127.0.0.2")
        count, guidance = self.guided()
        self.assertEqual(count, 1)
        asked = json.dumps(guidance)
        for what in ("127.0.0.1", "127.0.0.2", "xr-a", "xr-b"):
            self.assertIn(what, asked)
        self.release()

    def test_a_no_leaves_things_as_they_were(self):
        refused = self.connect("nobody-knows-it")
        self.assertEqual((refused.status, refused.json["cause"]), (424, "NETWORK_RELIABILITY_FAILED"), refused.text)
        self.assertEqual(self.connections(), [])
        made = self.connect("nobody-knows-it", more={"transType": "regular"})
        self.assertEqual(made.status, 201, made.text)
        path = "/sdd-trans/v1/connections/" + made.json["connectionId"]
        change = self.ask("PATCH", path, {"content-type": "application/merge-patch+json"},
                          {"flows": {"urn:avatar:1": {"redundancy": "DUAL"}}})
        self.assertEqual((change.status, change.json["cause"]), (424, "NETWORK_RELIABILITY_FAILED"), change.text)
        self.assertEqual(self.ask("GET", path).json["flows"], made.json["flows"])
        self.release()

    def test_killed_under_load_each_acknowledged_connection_has_exactly_one_guidance(self):
        with concurrent.futures.ThreadPoolExecutor(8) as clients:
            asked = [clients.submit(self.attempt, f"room{i}", f"ue{1 + i % 3}") for i in range(24)]
            concurrent.futures.wait(asked[:6])
            self.sealdd.signal(signal.SIGKILL)
            acknowledged = [one.result() for one in asked]
        acknowledged = {one for one in acknowledged if one}
        self.assertTrue(acknowledged)
        self.sealdd.wait()
        self.serve_sealdd(self.url.rsplit(":", 1)[1])
        there = lambda: {one["connectionId"] for one in self.connections()}
        self.until(lambda: acknowledged <= there(), True)
        self.until(lambda: len(self.held()) == len(there()) == self.guided()[0], True, patience=60)
        self.assertTrue(all(one["reliable"] == "CONFIRMED" for one in self.connections()))
        self.release()

    def attempt(self, room, ue):
        try:
            made = self.connect(ue, room)
        except OSError:
            return None
        return made.json["connectionId"] if made.status == 201 else None


if __name__ == "__main__":
    harness.main()
