#!/usr/bin/env python3
"""A synchronisation session across the servers that it takes: the enabler and SEALDD as two processes, a relay node of
Python's own. What SEALDD grants reaches the session, what the node reports moves it, and the end leaves nothing."""

import base64
import threading
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


if __name__ == "__main__":
    harness.main()
