"""server -- n6 -- lobo upf -- n3 -- lobo gnb -- air -- lobo ue: a network that registers all of it by netsim's
control API, and an application that asks it for QoS by `lobo serve`."""

import json
import subprocess
import time
import urllib.request

import marks
from net import N3_GNB, N3_UPF, N4_SMF, N4_UPF, N6_SERVER, UE, Namespace, ask_until, readable
from upf_case import UpfCase, harness

AIR_GNB, AIR_UE = "10.100.9.1", "10.100.9.2"
AIR_PORT = 2153
ADMIN = "http://127.0.0.64:9090"
PORT = 5004

NETSIM = f"""
netsim:
  server: [{{address: {N4_SMF}, port: 7777}}, {{address: {N3_UPF}, port: 7777}}]
  cells: [{{name: cell1, downlink: 110 Mbps, uplink: 60 Mbps}}]
  ues: [{{name: ue1, gpsi: msisdn-491700000001, ipv4: {UE}, cell: cell1}}]
  qos_profiles: [{{name: xr, downlink: 2 Mbps, uplink: 1 Mbps, delay: 200ms, loss_percent: 1}}]
  application_functions: [lobodon]
  smf:
    address: {N4_SMF}
    port: 8805
    upf: [{{address: {N4_UPF}, port: 8805}}]
    setup_retry: 100ms
    ran_networks: [10.100.3.0/24]
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
GNB = f"""
logger: {{level: debug}}
gnb:
  name: gnb1
  n3: {{address: {N3_GNB}}}
  air: {{server: [{{address: {AIR_GNB}, port: {AIR_PORT}}}]}}
  control: http://{N3_UPF}:7777
  cell: {{rate: 12 Mbps, scheduler: SCHEDULER, policy: threshold, queue_octets: 60000}}
  link: {{delay: 2ms}}
  guarantee: {{window: 500ms, not_held_after: 500ms, held_after: 1s}}
  metrics: {{server: [{{address: 127.0.0.64, port: 9090}}]}}
"""
SUBSCRIPTIONS = f"http://{N4_UPF}:7000/ss-nra/v1/unicast-subscriptions"
CONTROL = f"http://{N4_SMF}:7777/netsim-control/v1"
WISH = {
    "qosReference": "xr",
    "flows": [{"flowId": 1, "flowDescriptions": [f"permit out 17 from {N6_SERVER} 6000 to {UE} {PORT}"]}],
    "pduSetQosDl": {"pduSetDelayBudget": 30000, "pduSetErrRate": "1E-2", "pduSetHandlingInfo": "ALL_PDUS_NEEDED"},
    "protoDescDl": {"transportProto": "RTP",
                    "rtpHeaderExtInfo": {"rtpHeaderExtType": "PDU_SET_MARKING", "rtpHeaderExtId": marks.RTP_EXTENSION}},
}


class GnbCase(UpfCase):
    scheduler, wish, radio = "by_flow", WISH, GNB

    def setUp(self):
        super().setUp()
        self.smf.end()  # netsim's SMF is the control plane
        self.gnb.close()  # and lobo gnb the gNB
        self.gnb = self.server  # what wait_for() looks at while it waits
        self.ue_namespace = Namespace()
        self.addCleanup(self.ue_namespace.end)
        gnb = self.stage.gnb
        gnb.ip(f"link add air0 type veth peer name air1 netns {self.ue_namespace.holder.pid}")
        for namespace, name, address in ((gnb, "air0", AIR_GNB), (self.ue_namespace, "air1", AIR_UE)):
            namespace.ip(f"address add {address}/24 dev {name}")
            namespace.ip(f"link set {name} up")
        self.netsim = self.begin(self.stage.upf, "netsim", NETSIM)
        self.serve = self.begin(self.stage.upf, "serve", SERVE)
        self.gnb_process = self.begin(gnb, "gnb", self.radio.replace("SCHEDULER", self.scheduler), more=["-o", "json"])
        self.ue_process = self.begin_ue()
        self.receiver = self.ue_namespace.udp(UE, PORT)
        self.addCleanup(self.receiver.close)
        self.warm_up()

    # -- processes --

    def begin(self, namespace, verb, text=None, more=()):
        config = self.folder / f"{verb}.yaml"
        if text:
            config.write_text(text.replace("FOLDER", str(self.folder)), encoding="utf-8")
        with namespace.inside():
            process = harness.Process([harness.LOBO, verb, "-c", str(config), *more], self.folder / f"{verb}.log", self.folder)
        self.addCleanup(process.end)
        process.ready()
        return process

    def begin_ue(self):
        with self.ue_namespace.inside():
            process = harness.Process([harness.LOBO, "ue", "--gnb", f"{AIR_GNB}:{AIR_PORT}", "--name", "ue1", "-o", "json"],
                                      self.folder / "ue.log", self.folder)
        self.addCleanup(process.end)
        self.assertEqual(process.ready(), ["ue1", UE])
        return process

    def kill(self, process):
        process.signal(harness.SIGKILL)
        process.wait()

    def show_log_on_failure(self):
        super().show_log_on_failure()
        outcome = getattr(self._outcome, "result", None)
        if outcome and any(test is self for test, _ in outcome.failures + outcome.errors):
            for name in ("gnb", "ue", "netsim"):
                log = self.folder / f"{name}.log"
                if log.exists():
                    print(f"--- {name}\n" + log.read_text(encoding="utf-8")[-3000:])

    def summary_of(self, process):
        """What it prints when it is asked to end."""
        process.signal(harness.SIGTERM)
        text = ""
        while not text.endswith("]"):
            text += process.line()
        self.assertEqual(process.wait(), 0)
        return json.loads(text)

    # -- what they say --

    def ask(self, url, method="GET", body=None, namespace=None):
        with (namespace or self.stage.upf).inside():
            answer = harness.ask(url, method, body=body)
        self.assertLess(answer.status, 300, answer.text)
        return answer

    def gnb_page(self, path="/status/gnb"):
        with self.stage.gnb.inside():
            with urllib.request.urlopen(ADMIN + path, timeout=10) as answer:
                return answer.read().decode()

    def status(self):
        return json.loads(self.gnb_page())

    def flow(self, qfi):
        return next((flow for flow in self.status()["flows"] if flow["qfi"] == qfi), None)

    def set_cell(self, **what):
        return self.ask(ADMIN + "/status/gnb/cell", "PUT", what, self.stage.gnb).json

    def lobo(self, namespace, *words):
        with namespace.inside():
            return subprocess.run([harness.LOBO, *words], capture_output=True, text=True, timeout=60)

    def gnb_metric(self, name, **labels):
        total = 0
        for line in self.gnb_page("/metrics").splitlines():
            if line.startswith(name) and line[len(name)] in "{ " and \
                    all(f'{key}="{value}"' in line for key, value in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return total

    # -- packets --

    def drain(self, quiet=0.3):
        got = []
        while readable(self.receiver, quiet):
            got.append(self.receiver.recv(65535))
        return got

    def warm_up(self):
        """Until a datagram arrives: next hops have to be found, sessions to be there."""
        until = time.monotonic() + 15
        while time.monotonic() < until:
            self.send_downlink(self.downlink(b"warm"))
            if readable(self.receiver, 0.2):
                self.drain()
                return
        self.fail("nothing came through to the UE")

    def check_both_ways(self):
        for size in (1, 2, 333, 1000, 1400):
            payload = bytes(i * 7 & 255 for i in range(size))
            self.send_downlink(self.downlink(payload))
            self.assertTrue(readable(self.receiver, 5), f"{size} octets did not come")
            got, sender = self.receiver.recvfrom(65535)
            self.assertEqual((got, sender), (payload, (N6_SERVER, 6000)))
        up = bytes(range(256))
        ask_until(lambda: self.receiver.sendto(up, (N6_SERVER, 6000)), self.server)
        self.receiver.sendto(b"once more", (N6_SERVER, 6000))
        while (got := self.server.recvfrom(65535))[0] != b"once more":
            self.assertEqual(got[0], up)
        self.assertEqual(got[1], (UE, PORT))
        while readable(self.server, 0.2):
            self.server.recv(65535)

    def ask_for_qos(self, notify=f"http://{N4_UPF}:9/none"):
        wish = {"uniQosReq": json.dumps(self.wish), "valTgtUe": {"valUeId": "ue1"}, "notifUri": notify,
                "suppFeat": "70000000001"}
        location = self.ask(SUBSCRIPTIONS, "POST", wish).headers["location"]
        self.assertEqual(self.ask(location).json["uniQosState"]["userPlane"], "enforced")
        session = self.ask(CONTROL + "/ues/ue1/pdu-session").json
        self.qfi = [flow["qfi"] for flow in session["qosFlows"] if not flow["isDefault"]][0]
        return location

    def play(self, seconds, first=0, importance=lambda frame: 1 if frame % 10 == 0 else 8):
        """Frames of video at 50 a second, four PDUs of 1,000 octets each: 1.6 Mbit/s. What arrives, by frame."""
        frame, begun, arrived, sequence = first, time.monotonic(), {}, first * 4

        def take(wait, then=0.0):
            while readable(self.receiver, max(wait, 0)):
                data = self.receiver.recv(65535)
                number = int.from_bytes(data[-8:], "big")
                arrived[number] = arrived.get(number, 0) + 1
                wait = then

        while (due := begun + (frame - first) / 50) < begun + seconds:
            take(due - time.monotonic())
            if time.monotonic() < due:
                continue
            for psn in range(4):
                mark = {"E": int(psn == 3), "D": 0, "PSI": importance(frame), "PSSN": frame % 1024, "PSN": psn,
                        "PSSize": 4 * 1000, "NPDS": 4}
                head = marks.rtp(sequence & 0xFFFF, mark, b"")
                payload = bytes(1000 - 28 - len(head) - 8) + frame.to_bytes(8, "big")
                self.send_downlink(self.downlink(head + payload))
                sequence += 1
            frame += 1
        take(0.5, 0.5)
        self.next_frame = frame
        return {number: arrived.get(number, 0) for number in range(first, frame)}


    def start_listener(self):
        with self.stage.upf.inside():
            listener = harness.Process([harness.LOBO, "nrm", "listen", "--port", "0", "-o", "json"],
                                       self.folder / "listen.log", self.folder)
        self.addCleanup(listener.end)
        return listener


__all__ = ["GnbCase"]
