#!/usr/bin/env python3
"""A synchronisation session across the servers that it takes: the enabler and SEALDD as two processes; a relay node of
Python's own first, then `lobo relay` with UEs that publish over QUIC. What SEALDD grants reaches the session, what the node
reports moves it, a node that is killed comes back with its flows, and the end leaves nothing."""

import base64
import json
import os
import pathlib
import subprocess
import threading
import time
import unittest

import harness
import metaverse_test
import sealdd_test

POLICY = {"match": {"valServiceId": "xr"}, "qosCeil": {"mbrDl": "4 Mbps"}, "ladder": [{"updateRateHz": 15}],
          "thresholds": {"lossPermille": 20}, "measurement": {"what": ["PACKET_LOSS_RATE"]}}


class Session(harness.Case):
    def setUp(self):
        super().setUp()
        self.sink = sealdd_test.Sink()
        self.addCleanup(self.sink.end)
        sealdd = self.start("serve", "-c", self.write("sealdd.yaml", sealdd_test.SERVER.format(
            folder=self.folder, lease="3s", port=0)))
        self.sealdd_url = sealdd.ready()[0]
        self.url = self.sealdd_url
        self.node = sealdd_test.Relay(self, "n1", 4433)
        self.node.enrol()
        enabler = self.start("serve", "-c", self.write("metaverse.yaml", metaverse_test.SERVER.format(
            folder=self.folder, sealdd=self.sealdd_url, callbacks=0).replace("  callback_base: http://127.0.0.1:0\n", "")))
        self.enabler_url = enabler.ready()[0]

    def of_enabler(self, method, path, body=None):
        return harness.ask(self.enabler_url + path, method, body=body)

    def of_sealdd(self, path):
        return harness.ask(self.sealdd_url + path, "GET").json["items"]

    def test_what_the_node_reports_reaches_the_application_and_the_end_leaves_nothing(self):
        policy = self.of_enabler("POST", "/mm-pol/v1/policies", POLICY)
        self.assertEqual(policy.status, 201, policy.text)
        made = self.of_enabler("POST", "/mm-das/v1/sessions", {
            "valServiceId": "xr", "requesterId": "val-1", "notif": {"uri": self.sink.url, "events": ["SESSION_STATE"]},
            "assets": [{"assetId": f"urn:avatar:{name}", "serverEp": {"id": "room/9"}, "clientEp": {"id": name},
                        "hostUe": {"valUeId": name}, "direction": "BIDI", "qos": {"mbrDl": "8 Mbps", "updateRateHz": 30}}
                       for name in ("alice", "bob")]})
        self.assertEqual(made.status, 201, made.text)
        session = made.json
        self.assertEqual({one["grantedQos"]["mbrDl"] for one in session["granted"]}, {"4 Mbps"})
        for one in session["granted"]:
            self.assertEqual(one["ddServerConnInfo"], {"ipv4Addr": "127.0.0.1", "port": 4433})
            token = base64.urlsafe_b64decode(one["token"] + "=" * (-len(one["token"]) % 4))
            self.assertIn(one["assetId"].encode(), token)
        connections = self.of_sealdd("/sdd-trans/v1/connections")
        self.assertEqual(len(connections), 2)
        flows = [flow for one in connections for flow in one["flows"].values()]
        for flow in flows:
            self.assertEqual(self.node.tell(flow["flowIds"][0], "UP").status, 200)
        states = []
        while "ACTIVE" not in states:
            states += [event["state"] for event in self.sink.next()["events"] if "state" in event]

        at = "/mm-das/v1/sessions/" + session["sessionId"]
        ended = threading.Thread(target=self.of_enabler, args=("DELETE", at))
        ended.start()
        released = set()
        while len(released) < len(flows):
            for order in self.node.orders(wait=1000):
                if order["kind"] == "releaseFlow":
                    released.add(order["flowId"])
                    self.node.tell(order["flowId"], "CLOSED")
        ended.join()
        self.assertEqual(self.of_enabler("GET", at).json["state"], "RELEASED")
        self.assertEqual(self.of_sealdd("/sdd-trans/v1/connections"), [])


UE = os.environ.get("SDD_UE") or str(pathlib.Path(harness.LOBO).parent / "tests" / "relay_node" / "sdd_ue")

RELAY = """
relay:
  node: n1
  server: {{address: 127.0.0.1, port: {port}}}
  tls: {{cert: pki/server.pem, key: pki/server.key}}
  reset_key: reset.key
  metrics: {{server: {{address: 127.0.0.1, port: 0}}}}
  sealdd: {{uri: {sealdd}}}
"""


class Ues:
    """UEs that publish and see: one program, a connection each."""

    def __init__(self, case, all_of_them):
        self.process = harness.Process.__new__(harness.Process)
        self.process.log = open(case.folder / "ues.log", "ab")
        self.process.child = subprocess.Popen([UE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                              stderr=self.process.log)
        self.process.selector = harness.selectors.DefaultSelector()
        self.process.selector.register(self.process.child.stdout, harness.selectors.EVENT_READ)
        self.process.unread = b""
        case.addCleanup(self.end)
        lines = "".join(" ".join(map(str, one)) + "\n" for one in all_of_them)
        self.process.child.stdin.write((lines + "go\n").encode())
        self.process.child.stdin.flush()

    def until(self, what, times=1):
        """The lines that tell `what`, as soon as there are so many."""
        found = []
        while len(found) < times:
            told = json.loads(self.process.line())
            if what in told:
                found.append(told)
        return found

    def end(self):
        self.process.child.stdin.close()
        self.process.end()


@unittest.skipUnless(os.path.exists(UE), "built without QUIC")
class LiveSession(harness.Case):
    def setUp(self):
        super().setUp()
        self.sink = sealdd_test.Sink()
        self.addCleanup(self.sink.end)
        self.lobo("pki", "init", self.folder / "pki")
        sealdd = self.start("serve", "-c", self.write("sealdd.yaml", sealdd_test.SERVER.format(
            folder=self.folder, lease="3s", port=0)))
        self.sealdd_url = self.url = sealdd.ready()[0]
        self.serve_relay(0)
        enabler = self.start("serve", "-c", self.write("metaverse.yaml", metaverse_test.SERVER.format(
            folder=self.folder, sealdd=self.sealdd_url, callbacks=0).replace("  callback_base: http://127.0.0.1:0\n", "")))
        self.enabler_url = enabler.ready()[0]

    def serve_relay(self, port):
        self.relay = self.start("relay", "-c", self.write("relay.yaml", RELAY.format(port=port, sealdd=self.sealdd_url)))
        told = self.relay.ready()
        self.port = int(told[0].rsplit(":", 1)[1])
        self.digest = told[2].removeprefix("sha256:")
        self.relay_admin = told[-1]

    def of_enabler(self, method, path, body=None):
        return harness.ask(self.enabler_url + path, method, body=body)

    def of_sealdd(self, path):
        return harness.ask(self.sealdd_url + path).json["items"]

    def of_relay(self, path):
        return harness.ask(self.relay_admin + path)

    def wait_for(self, what, so):
        """Asks until the answer is so, and no faster than a client's quota allows."""
        until = time.monotonic() + harness.PATIENCE
        while True:
            got = what()
            if so(got):
                return got
            self.assertLess(time.monotonic(), until, f"never came: {got}")
            time.sleep(0.05)

    def begin(self, termination="VAL"):
        """A session of two UEs, with flows that are up."""
        self.wait_for(lambda: self.of_relay("/status/ready").status, lambda status: status == 200)
        policy = self.of_enabler("POST", "/mm-pol/v1/policies", POLICY)
        self.assertEqual(policy.status, 201, policy.text)
        made = self.of_enabler("POST", "/mm-das/v1/sessions", {
            "valServiceId": "xr", "requesterId": "val-1", "notif": {"uri": self.sink.url, "events": ["SESSION_STATE"]},
            "assets": [{"assetId": f"urn:avatar:{name}", "serverEp": {"id": "room/9", "termination": termination},
                        "clientEp": {"id": name}, "hostUe": {"valUeId": name}, "direction": "BIDI",
                        "qos": {"mbrDl": "8 Mbps", "updateRateHz": 30}}
                       for name in ("alice", "bob")]})
        self.assertEqual(made.status, 201, made.text)
        session = made.json
        self.at = "/mm-das/v1/sessions/" + session["sessionId"]
        flows = {asset: flow for one in self.of_sealdd("/sdd-trans/v1/connections") for asset, flow in one["flows"].items()}
        ues = Ues(self, [("127.0.0.1", self.port, self.digest, one["token"], flows[one["assetId"]]["flowIds"][0],
                          flows[one["assetId"]]["alias"]) for one in session["granted"]])
        ues.until("up", 2)
        self.until_state("ACTIVE")
        return ues

    def until_state(self, wanted):
        state = None
        while state != wanted:
            for event in self.sink.next()["events"]:
                state = event.get("state", state)

    def test_a_session_lives_from_its_request_to_nothing_left(self):
        ues = self.begin()
        before = ues.until("states")[0]["states"]
        self.assertGreater(ues.until("states", 3)[-1]["states"], before, "they see each other")
        flows = self.wait_for(lambda: self.of_enabler("GET", self.at + "/flows").json["items"],
                              lambda items: all("measured" in one for one in items))
        self.assertEqual({one["state"] for one in flows}, {"UP"})
        self.assertIn('lobo_relay_flows 2', self.of_relay("/metrics").text)
        self.assertEqual(self.of_relay("/status/relay").json["flows"], 2)

        self.assertIn(self.of_enabler("DELETE", self.at).status, (202, 204))
        ues.until("released", 2)
        self.wait_for(lambda: self.of_sealdd("/sdd-trans/v1/connections"), lambda left: left == [])
        self.wait_for(lambda: self.of_enabler("GET", self.at).json["state"], lambda state: state == "RELEASED")
        self.assertEqual(self.of_relay("/status/relay").json["flows"], 0)
        for api in ("/sdd-pc/v1/configurations", "/sdd-tqm/v1/subscriptions"):
            left = harness.ask(self.sealdd_url + api)
            self.assertIn(left.status, (200, 404, 405))
            if left.status == 200:
                self.assertEqual(left.json.get("items", []), [])

    def test_the_newest_state_of_an_asset_is_read_through_both_servers(self):
        ues = self.begin("MMEL")
        ues.until("states")
        path = self.at + "/state/urn%3Aavatar%3Aalice"
        first = self.wait_for(lambda: self.of_enabler("GET", path), lambda answer: answer.status == 200).json
        self.assertEqual(first["assetId"], "urn:avatar:alice")
        self.assertTrue(base64.b64decode(first["components"][0]["state"]))
        later = self.wait_for(lambda: self.of_enabler("GET", path).json,
                              lambda one: one["components"][0]["seq"] > first["components"][0]["seq"])
        self.assertLess(later["components"][0]["ageMs"], 5000)
        raw = harness.ask(self.enabler_url + path, headers={"accept": "application/octet-stream"})
        self.assertEqual((raw.status, raw.headers["content-type"]), (200, "application/octet-stream"))
        shown = json.loads(self.lobo("mm", "session", "state", self.at.rsplit("/", 1)[1], "--asset", "urn:avatar:alice",
                                     "--server", self.enabler_url, "-o", "json"))
        self.assertGreaterEqual(shown["components"][0]["seq"], later["components"][0]["seq"])
        self.relay.signal(harness.signal.SIGKILL)
        self.relay.wait()
        gone = self.of_enabler("GET", path)
        self.assertIn(gone.status, (503, 504), gone.text)

    def test_a_node_that_is_killed_comes_back_with_its_flows(self):
        ues = self.begin()
        self.relay.signal(harness.signal.SIGKILL)
        self.relay.wait()
        self.serve_relay(self.port)
        ues.until("up", 2)
        before = ues.until("states")[0]["states"]
        self.assertGreater(ues.until("states", 3)[-1]["states"], before)
        self.assertEqual(self.of_enabler("GET", self.at).json["state"], "ACTIVE")
        self.assertEqual(len(self.of_sealdd("/sdd-trans/v1/connections")), 2)

    def test_a_node_that_lost_its_server_stops_and_begins_anew_with_it(self):
        ues = self.begin()
        sealdd = self.sealdd_url
        self.assertEqual(self.of_relay("/status/ready").status, 200)
        harness.ask(sealdd + "/sdd-rly/v1/nodes/n1", "DELETE")
        told = ues.until("released", 2)
        self.assertEqual({one["why"] for one in told}, {"epoch_old"})
        self.wait_for(lambda: self.of_relay("/status/ready").status, lambda status: status == 200)
        self.assertIn('lobo_relay_server_total{what="lease_lost"} 1', self.of_relay("/metrics").text)


if __name__ == "__main__":
    harness.main()
