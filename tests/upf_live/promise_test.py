#!/usr/bin/env python3
"""A promise from end to end: an application asks for QoS, `lobo serve` asks the network, `lobo netsim`'s SMF
programs `lobo upf` over N4, and the packets are treated so."""

import json

import marks
from marks_test import SESSION_CONTAINER, SET_INFORMATION, mark_of
from net import N3_GNB, N3_UPF, N4_SMF, N4_UPF, N6_SERVER, UE
from upf_case import GNB_TEID, UpfCase, harness, need_namespaces

NETSIM = f"""
netsim:
  server: [{{address: {N4_SMF}, port: 7777}}]
  cells: [{{name: cell1, downlink: 110 Mbps, uplink: 60 Mbps}}]
  ues: [{{name: ue1, gpsi: msisdn-491700000001, ipv4: {UE}, cell: cell1}}]
  qos_profiles: [{{name: xr, downlink: 8 Mbps, uplink: 1 Mbps, delay: 20ms, loss_percent: 1}}]
  application_functions: [lobodon]
  smf:
    address: {N4_SMF}
    port: 8805
    upf: [{{address: {N4_UPF}, port: 8805}}]
    setup_retry: 100ms
"""
SERVE = f"""
nrm:
  server: [{{address: {N4_UPF}, port: 7000}}]
  metrics: {{server: [{{address: {N4_UPF}, port: 7001}}]}}
  store: {{path: FOLDER/store.sqlite}}
  auth: {{mode: "off"}}
  nef: {{uri: "http://{N4_SMF}:7777", allocation_events: always}}
  ues: [{{val_ue: ue1, gpsi: msisdn-491700000001}}]
  qos_references: [xr]
  sinks: {{allow: [127.0.0.0/8], https_only: false}}
"""
CONTROL = f"http://{N4_SMF}:7777/netsim-control/v1"
SUBSCRIPTIONS = f"http://{N4_UPF}:7000/ss-nra/v1/unicast-subscriptions"
WISH = {
    "qosReference": "xr",
    "flows": [{"flowId": 1, "flowDescriptions": [f"permit out 17 from {N6_SERVER} 6000 to {UE} 5004"]}],
    "pduSetQosDl": {"pduSetDelayBudget": 1500, "pduSetErrRate": "1E-4", "pduSetHandlingInfo": "ALL_PDUS_NEEDED"},
    "protoDescDl": {"transportProto": "RTP",
                    "rtpHeaderExtInfo": {"rtpHeaderExtType": "PDU_SET_MARKING", "rtpHeaderExtId": marks.RTP_EXTENSION}},
}


class Promise(UpfCase):
    def setUp(self):
        super().setUp()
        self.smf.end()  # this time netsim's SMF is the control plane
        self.start("netsim", NETSIM)
        self.start("serve", SERVE)
        self.wait_for(lambda: self.ask(CONTROL + "/upfs").json["upfs"][0]["associated"])
        self.ask(CONTROL + "/gnbs", "POST", {"gnbId": "gnb1", "n3Addr": N3_GNB})
        self.ask(CONTROL + "/ues/ue1/pdu-session", "POST", {"gnbId": "gnb1", "teid": GNB_TEID})
        self.wait_for(lambda: self.pdu_session()["state"] == "ESTABLISHED")

    def start(self, verb, text):
        config = self.folder / f"{verb}.yaml"
        config.write_text(text.replace("FOLDER", str(self.folder)), encoding="utf-8")
        with self.stage.upf.inside():
            process = harness.Process([harness.LOBO, verb, "-c", str(config)], self.folder / f"{verb}.log", self.folder)
        self.addCleanup(process.end)
        process.ready()

    def ask(self, url, method="GET", body=None):
        with self.stage.upf.inside():
            answer = harness.ask(url, method, body=body)
        self.assertLess(answer.status, 300, answer.text)
        return answer

    def pdu_session(self):
        return self.ask(CONTROL + "/ues/ue1/pdu-session").json

    def test_what_an_application_asked_for_is_done_with_its_packets_until_it_is_released(self):
        session = self.pdu_session()
        self.assertEqual((session["upfN3Addr"], session["ueIpv4Addr"]), (N3_UPF, UE))
        self.warm_up()
        packet = self.downlink(marks.rtp(1, mark_of(0, 0, 2, 2000), bytes(900)))
        before = self.through(packet)
        self.assertNotIn("set", before, "nobody asked for PDU Sets yet")

        wish = {"uniQosReq": json.dumps(WISH), "valTgtUe": {"valUeId": "ue1"},
                "notifUri": f"http://{N4_UPF}:9/none", "suppFeat": "70000000001"}
        made = self.ask(SUBSCRIPTIONS, "POST", wish)
        location = made.headers["location"]
        self.assertEqual(self.ask(location).json["uniQosState"]["userPlane"], "enforced")
        qfi = [flow["qfi"] for flow in self.pdu_session()["qosFlows"] if not flow["isDefault"]][0]

        for psn in range(2):
            mark = mark_of(1, psn, 2, 2000)
            packet = self.downlink(marks.rtp(2 + psn, mark, bytes(900)))
            message = self.through(packet)
            self.assertEqual(message["payload"], packet)
            self.assertEqual([kind for kind, _ in message["extensions"]], [SESSION_CONTAINER, SET_INFORMATION])
            self.assertEqual((message["session"]["qfi"], message["set"]["qfi"]), (qfi, qfi))
            for name in ("PSI", "PSSN", "PSN"):
                self.assertEqual(message["set"]["mark"][name], mark[name])

        self.ask(location, "DELETE")
        self.wait_for(lambda: len(self.pdu_session()["qosFlows"]) == 1)
        after = self.through(self.downlink(marks.rtp(4, mark_of(2, 0, 1, 950), bytes(900))))
        self.assertNotIn("set", after)
        self.assertNotEqual(after["session"]["qfi"], qfi)


if __name__ == "__main__":
    need_namespaces()
    harness.main()
