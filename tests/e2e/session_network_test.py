#!/usr/bin/env python3
"""A synchronisation session with the network behind it: the enabler, SEALDD and NRM as processes, `lobo netsim` as the core, a
relay node of Python's own. What a policy wants of the network stands at the core before anybody is told to come, what the
network does not keep is a tier down at the application, and the end leaves nothing at the core."""

import concurrent.futures
import json
import threading
import unittest

import harness
import metaverse_test
import sealdd_test

POLICY = {"match": {"valServiceId": "xr"}, "networkQos": "REQUIRED",
          "ladder": [{"gbrDl": "2 Mbps"}, {"gbrDl": "1 Mbps"}]}
EVENTS = ["SESSION_STATE", "TIER_CHANGE", "QOS_NOT_FULFILLED", "QOS_RESTORED"]


class NetworkBehind(harness.Case):
    def setUp(self):
        super().setUp()
        self.sink = sealdd_test.Sink()
        self.addCleanup(self.sink.end)
        self.start_network()
        self.start_server()
        self.nrm_url = self.url
        sealdd = self.start("serve", "-c", self.write("sealdd.yaml", sealdd_test.SERVER.format(
            folder=self.folder, lease="60s", port=0)))
        self.sealdd_url = self.url = sealdd.ready()[0]
        self.node = sealdd_test.Relay(self, "n1", 4433)
        self.node.enrol()
        self.start_enabler()
        policy = self.of_enabler("POST", "/mm-pol/v1/policies", POLICY)
        self.assertEqual(policy.status, 201, policy.text)

    def start_enabler(self, port=0):
        text = metaverse_test.SERVER.format(folder=self.folder, sealdd=self.sealdd_url, callbacks=0)
        text = text.replace("  callback_base: http://127.0.0.1:0\n", "").replace(
            "port: 0}", f"port: {port}}}", 1) + f"  nrm:\n    uri: {self.nrm_url}\n    http2: false\n"
        self.enabler = self.start("serve", "-c", self.write("metaverse.yaml", text))
        self.enabler_url = self.enabler.ready()[0]

    def of_enabler(self, method, path, body=None):
        return harness.ask(self.enabler_url + path, method, body=body)

    def create(self, *ues, gbr="4 Mbps"):
        return self.of_enabler("POST", "/mm-das/v1/sessions", {
            "valServiceId": "xr", "requesterId": "val-1", "notif": {"uri": self.sink.url, "events": EVENTS},
            "assets": [{"assetId": f"urn:avatar:{ue}", "serverEp": {"id": "room/9"}, "clientEp": {"id": ue},
                        "hostUe": {"valUeId": ue}, "mmelSupport": False, "qos": {"gbrDl": gbr, "pdbDl": 50}}
                       for ue in ues]})

    def next(self, name):
        """The next event of that name; what comes before it is of no interest."""
        while True:
            for event in self.sink.next()["events"]:
                if event["event"] == name:
                    return event

    def journal(self, operation):
        answer = harness.ask(self.net_url + "/netsim-control/v1/journal?limit=1000")
        return [one for one in answer.json["entries"] if one.get("operation") == operation]

    def release_flows(self, session, ended):
        """The node lets go of what it is told to, until the teardown has been answered."""
        while ended.is_alive():
            for order in self.node.orders(wait=200):
                if order["kind"] == "releaseFlow":
                    self.node.tell(order["flowId"], "CLOSED")

    def test_what_the_network_promises_breaks_and_keeps_again_reaches_the_application(self):
        made = self.create("ue1", "ue3")
        self.assertEqual(made.status, 201, made.text)
        session = made.json
        self.assertEqual({one["networkQos"] for one in session["granted"]}, {"CONFIRMED"})
        self.assertEqual(sorted(one["ue"] for one in self.reservations()), ["ue1", "ue3"])
        asked = [json.loads(one["body"]) for one in self.journal("CreateASSessionWithQoSSubscription")]
        self.assertEqual({one["multiModalId"] for one in asked}, {session["sessionId"]})
        self.assertEqual({one["tscQosReq"]["reqGbrDl"] for one in asked}, {"4 Mbps"})
        self.assertIn("permit out 17 from 127.0.0.1 4433", json.dumps(asked))

        self.net("degrade", "ue1", "--delay", "80ms")
        self.assertIn("NOT_GUARANTEED", self.next("QOS_NOT_FULFILLED")["reason"])
        at = "/mm-das/v1/sessions/" + session["sessionId"]
        self.until(lambda: [(one["tier"], one["networkQos"]) for one in self.of_enabler("GET", at).json["granted"]],
                   [(1, "DEGRADED"), (0, "CONFIRMED")])
        self.net("restore", "ue1")
        self.assertEqual(self.next("QOS_RESTORED")["hostUe"], {"valUeId": "ue1"})
        self.until(lambda: [(one["tier"], one["networkQos"]) for one in self.of_enabler("GET", at).json["granted"]],
                   [(0, "CONFIRMED"), (0, "CONFIRMED")])

        ended = threading.Thread(target=self.of_enabler, args=("DELETE", at))
        ended.start()
        self.release_flows(session, ended)
        ended.join()
        self.until(self.reservations, [])
        self.assertEqual(harness.ask(self.nrm_url + "/ss-nra/v1/mm-qos").json["items"], [])

    def test_a_tier_is_told_with_its_reason(self):
        self.create("ue1")
        self.net("degrade", "ue1", "--delay", "80ms")
        event = self.next("TIER_CHANGE")
        self.assertEqual((event["tier"], event["tierBefore"], event["reason"]), (1, 0, "NETWORK_QOS_LOST"))

    def test_what_the_core_has_no_room_for_is_refused_and_leaves_nothing(self):
        refused = self.create("ue1", gbr="500 Mbps")
        self.assertEqual(refused.status, 424, refused.text)
        self.assertEqual(refused.json["cause"], "NETWORK_QOS_FAILED")
        self.until(self.reservations, [])

    def test_killed_under_load_each_acknowledged_session_has_exactly_one_reservation(self):
        with concurrent.futures.ThreadPoolExecutor(8) as clients:
            asked = [clients.submit(self.attempt, f"ue{1 + 2 * (i % 2)}") for i in range(24)]
            # In the middle of it: once some have been answered.
            concurrent.futures.wait(asked[:6])
            self.enabler.signal(harness.SIGKILL)
            self.enabler.wait()
            acknowledged = [one.result() for one in asked]
        acknowledged = [one for one in acknowledged if one]
        self.assertTrue(acknowledged)
        self.start_enabler(port=self.enabler_url.rsplit(":", 1)[1])
        multi_modal = lambda: sorted(
            one["management"]["multiModalId"]
            for one in harness.ask(self.nrm_url + "/ss-nra/v1/mm-qos?limit=1000").json["items"])
        self.until(multi_modal, sorted(acknowledged), patience=60)
        self.until(lambda: len(self.reservations()), len(acknowledged), patience=60)

    def attempt(self, ue):
        """The session's id, where somebody said that it is there."""
        try:
            made = self.create(ue, gbr="1 Mbps")
        except OSError:
            return None
        return made.json["sessionId"] if made.status == 201 else None


if __name__ == "__main__":
    harness.main()
