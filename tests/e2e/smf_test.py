"""netsim's SMF and a UPF that is not ours over real sockets: a QoS request becomes PFCP rules, and what the
UPF says becomes what the network and the NRM server tell."""

import http.server
import itertools
import json
import queue
import shutil
import threading

import harness
import pfcp_peer
from pfcp_peer import inner, value

ENFORCED = "netsim; user-plane=enforced"
SESSIONS = "/3gpp-as-session-with-qos/v1/lobodon/subscriptions"
XR = {
    "flowInfo": [{"flowId": 65537, "flowDescriptions": ["permit out 17 from 192.0.2.10 5004 to 10.45.0.2 40000",
                                                        "permit in 17 from 10.45.0.2 40000 to 192.0.2.10 5004"]}],
    "tscQosReq": {"reqGbrDl": "20 Mbps", "reqGbrUl": "1 Mbps", "reqMbrDl": "30 Mbps", "reqMbrUl": "2 Mbps",
                  "req5Gsdelay": 20},
    "pduSetQosDl": {"pduSetDelayBudget": 1500, "pduSetErrRate": "1E-4", "pduSetHandlingInfo": "ALL_PDUS_NEEDED"},
    "protoDescDl": {"transportProto": "RTP",
                    "rtpHeaderExtInfo": {"rtpHeaderExtType": "PDU_SET_MARKING", "rtpHeaderExtId": 5},
                    "rtpPayloadInfoList": [{"rtpPayloadTypeList": [96], "rtpPayloadFormat": "H264"}],
                    "mriTransferInfo": "UDP_OPTION"},
    "datBurstSizeInd": True,
    "qosMonInfo": {"reqQosMonParams": ["DOWNLINK"], "repFreqs": ["PERIODIC"], "repPeriod": 1},
    "events": ["SUCCESSFUL_RESOURCES_ALLOCATION", "FAILED_RESOURCES_ALLOCATION", "QOS_GUARANTEED",
               "QOS_NOT_GUARANTEED", "QOS_MONITORING"],
}


class Callbacks:
    """Who is called back: the events in order, each with the header that says who tells it."""

    def __init__(self):
        self.events = queue.Queue()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                for report in body.get("eventReports", ()):
                    outer.events.put((report["event"], self.headers["x-lobo-simulated"], report))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/events"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self):
        return self.events.get(timeout=harness.PATIENCE)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Smf(harness.Case):
    def setUp(self):
        super().setUp()
        self.upf = pfcp_peer.Upf()
        self.addCleanup(self.upf.close)
        self.start_network(more=f"""  smf:
    address: 127.0.0.1
    port: 0
    upf:
      - {{address: 127.0.0.1, port: {self.upf.port}}}
    ue_pool: 10.46.0.0/24
    heartbeat: 200ms
    t1: 200ms
    setup_retry: 100ms
""")
        self.url = self.net_url
        self.upf.wait_for(pfcp_peer.SETUP)
        self.until(self.associated, True)

    def control(self, method, path, body=None):
        return self.ask(method, "/netsim-control/v1" + path, body=body)

    def associated(self):
        return self.control("GET", "/upfs").json["upfs"][0]["associated"]

    def register(self, ue="ue1", teid=0x77):
        self.assertEqual(self.control("POST", "/gnbs", {"gnbId": "gnb1", "n3Addr": "10.100.0.2"}).status, 201)
        registered = self.control("POST", f"/ues/{ue}/pdu-session", {"gnbId": "gnb1", "teid": teid})
        self.assertEqual(registered.status, 201, registered.text)
        self.until(lambda: self.pdu_session(ue)["state"], "ESTABLISHED")

    def pdu_session(self, ue="ue1"):
        return self.control("GET", f"/ues/{ue}/pdu-session").json

    def listen(self):
        callbacks = Callbacks()
        self.addCleanup(callbacks.close)
        return callbacks

    def ask_for_xr(self, callbacks):
        made = self.ask("POST", SESSIONS, body={**XR, "ueIpv4Addr": "10.45.0.2",
                                               "notificationDestination": callbacks.url})
        self.assertEqual(made.status, 201, made.text)
        return made

    def test_a_request_for_pdu_sets_becomes_rules_of_a_upf(self):
        self.register()
        established = self.upf.wait_for(pfcp_peer.ESTABLISHMENT)
        self.assertEqual(len(inner(established, 1)), 2)
        self.assertEqual(value(established, 3, 4, 84)["teid"], str(0x77))
        told = self.pdu_session()
        self.assertEqual((told["upfN3Addr"], told["ueIpv4Addr"]), (self.upf.N3, "10.45.0.2"))

        callbacks = self.listen()
        self.ask_for_xr(callbacks)
        asked = self.upf.wait_for(pfcp_peer.MODIFICATION)
        event, header, _ = callbacks.next()
        self.assertEqual((event, header), ("SUCCESSFUL_RESOURCES_ALLOCATION", ENFORCED))

        down, up = inner(asked, 1)
        filters = [value(pdr, 2, 23) for pdr in (down, up)]
        self.assertIn("permit out 17 from 192.0.2.10 5004 to 10.45.0.2 40000", str(filters[0]))
        self.assertEqual(filters[0], filters[1])
        self.assertEqual(value(down, 2, 334, 339), {"value": "1"})
        self.assertEqual(value(down, 2, 334, 340, 342), {"value": "1"})
        self.assertEqual(value(down, 2, 334, 340, 343), {"value": "5"})
        self.assertEqual(value(down, 2, 334, 341, 344), {"value": "96"})
        self.assertEqual(value(down, 2, 334, 341, 345), {"value": "1"})
        self.assertEqual(value(down, 2, 334, 388), {"value": "1"})
        self.assertEqual(inner(up, 2, 334), [])
        (qer,) = inner(asked, 7)
        self.assertEqual(value(qer, 26), {"uplink": "2000", "downlink": "30000"})
        self.assertEqual(value(qer, 27), {"uplink": "1000", "downlink": "20000"})
        self.assertEqual(int(value(qer, 319)["flags"][:2], 16), 0b011010, "EDBMI, PDUSM and DBSMI")
        self.assertEqual(value(asked, 212, 242, 124), value(qer, 124))
        profile = self.pdu_session()["qosFlows"][1]
        self.assertEqual(profile["pduSetQosDl"], XR["pduSetQosDl"])
        self.assertEqual(profile["quality"]["gbrDl"], "20 Mbps")

        self.upf.report_delay(profile["qfi"], 23)
        event, header, report = callbacks.next()
        self.assertEqual((event, report["qosMonReports"]), ("QOS_MONITORING", [{"dlDelays": [23]}]))
        self.upf.wait_for(pfcp_peer.REPORT + 1)

        self.control("POST", "/ues/ue1/pdu-session/notify", {"qfi": profile["qfi"], "fulfilled": False})
        self.assertEqual(callbacks.next()[0], "QOS_NOT_GUARANTEED")
        self.control("POST", "/ues/ue1/pdu-session/notify", {"qfi": profile["qfi"], "fulfilled": True})
        self.assertEqual(callbacks.next()[0], "QOS_GUARANTEED")

    def test_a_refusal_of_the_upf_is_told_and_leaves_nothing(self):
        self.register()
        callbacks = self.listen()
        self.upf.cause = pfcp_peer.REJECTED
        made = self.ask_for_xr(callbacks)
        event, header, _ = callbacks.next()
        self.assertEqual((event, header), ("FAILED_RESOURCES_ALLOCATION", "netsim"))
        self.assertEqual(len(self.pdu_session()["qosFlows"]), 1)
        self.upf.cause = pfcp_peer.ACCEPTED
        self.assertEqual(self.ask("DELETE", made.headers["location"].removeprefix(self.net_url)).status, 204)
        self.assertEqual(self.control("DELETE", "/ues/ue1/pdu-session").status, 204)
        self.upf.wait_for(pfcp_peer.DELETION)
        self.assertEqual(len([one for one in self.upf.messages if one["type"] == pfcp_peer.MODIFICATION]), 1,
                         "what was refused is not there, and is not taken away")

    def test_a_upf_that_dies_breaks_the_promise_and_one_that_comes_back_keeps_it(self):
        self.register()
        callbacks = self.listen()
        self.ask_for_xr(callbacks)
        self.assertEqual(callbacks.next()[0], "SUCCESSFUL_RESOURCES_ALLOCATION")
        self.upf.silent = True
        self.assertEqual(callbacks.next()[:2], ("QOS_NOT_GUARANTEED", "netsim"))
        self.until(self.associated, False)
        self.upf.restart()
        self.upf.silent = False
        self.assertEqual(callbacks.next()[:2], ("QOS_GUARANTEED", ENFORCED))
        self.assertEqual(len(self.upf.sessions), 1)

    def test_the_nrm_server_says_enforced_when_packets_are_treated_so(self):
        self.register()
        self.start_server()
        made = self.create("ue1")["subscription"]["uniQosState"]
        self.assertEqual((made["controlPlane"], made["userPlane"]), ("simulated", "enforced"))
        elsewhere = self.create("ue3", qos="xr-silver")["subscription"]["uniQosState"]
        self.assertEqual(elsewhere["userPlane"], "simulated", "ue3 has registered nowhere")

    def test_what_it_says_is_read_as_it_was_meant_by_tshark(self):
        if not shutil.which("tshark"):
            self.skipTest("tshark is not installed")
        self.register()
        callbacks = self.listen()
        made = self.ask_for_xr(callbacks)
        callbacks.next()
        self.assertEqual(self.ask("DELETE", made.headers["location"].removeprefix(self.net_url)).status, 204)
        self.control("DELETE", "/ues/ue1/pdu-session")
        self.upf.wait_for(pfcp_peer.DELETION)
        self.upf.wait_for(pfcp_peer.HEARTBEAT)
        import oracle_test  # of tests/pfcp, where pfcp_peer has led the way
        import tshark_reader
        with self.upf.heard:
            heard = list(zip(self.upf.datagrams, self.upf.messages))
        trees, complaints = tshark_reader.read([data for data, _ in heard])
        self.assertEqual(complaints, [])
        comparison = oracle_test.Comparison()
        for (data, meant), tree in itertools.zip_longest(heard, trees):
            comparison.messages(data.hex()[:40], meant, tree)
        self.assertGreater(sum(comparison.compared.values()), 100)


if __name__ == "__main__":
    harness.main()
