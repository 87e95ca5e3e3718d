#!/usr/bin/env python3
"""`lobo gnb` and `lobo ue` behind `lobo upf`: what an unmodified receiver gets, what a narrow cell costs, what
hostile datagrams cannot do, and what happens when one of them is killed."""

import json
import socket
import struct
import subprocess
import time

from control_plane import create_qer, session_rules
from gnb_case import ADMIN, AIR_GNB, AIR_PORT, AIR_UE, CONTROL, GnbCase
from net import N3_GNB, N3_UPF, N6_SERVER, UE, Namespace, ask_until, readable
from upf_case import GNB_TEID, UpfCase, harness, need_namespaces


class ThroughTheAir(GnbCase):
    def test_an_unmodified_receiver_gets_the_datagrams_and_what_it_sends_arrives(self):
        self.check_both_ways()
        status = self.status()
        self.assertEqual((status["name"], status["control"]), ("gnb1", "registered"))
        self.assertEqual(status["ues"][0]["address"], UE)
        self.assertTrue(status["ues"][0]["attached"])
        self.assertEqual(status["flows"][0]["oddities"], {})
        self.assertGreaterEqual(self.gnb_metric("lobo_gnb_delivered_packets_total", ue="ue1"), 6)
        self.assertEqual(self.gnb_metric("lobo_gnb_attached_ues"), 1)
        listed = self.lobo(self.stage.upf, "net", "list", "gnbs", "-o", "json")
        self.assertEqual(json.loads(listed.stdout), [{"gnb": "gnb1", "n3": N3_GNB}])
        self.assertEqual(self.session_state(), "ESTABLISHED")

        summary = self.summary_of(self.ue_process)
        self.assertEqual(summary[0]["ue"], "ue1")
        self.assertGreaterEqual(summary[0]["down"], 6)
        self.assertEqual(summary[0]["missed"], 0)
        flows = self.summary_of(self.gnb_process)
        self.assertEqual((flows[0]["ue"], flows[0]["dropped_by"], flows[0]["not_held"]), ("ue1", {}, False))
        self.assertGreaterEqual(flows[0]["delivered"], 6)
        self.assertGreaterEqual(flows[0]["uplink"], 2)
        self.assertEqual(self.ask(CONTROL + "/gnbs").json, {"gnbs": []})

    def session_state(self):
        """As netsim has it; None: it knows of no session."""
        session = self.lobo(self.stage.upf, "net", "session", "ue1", "-o", "json")
        return json.loads(session.stdout)[0]["state"] if session.returncode == 0 and session.stdout.strip() != "[]" else None

    def test_each_of_them_may_be_killed_and_comes_back(self):
        self.kill(self.ue_process)
        self.receiver.close()
        self.ue_process = self.begin_ue()
        self.receiver = self.ue_namespace.udp(UE, 5004)
        self.addCleanup(self.receiver.close)
        self.warm_up()
        self.check_both_ways()

        self.kill(self.gnb_process)
        self.gnb_process = self.begin(self.stage.gnb, "gnb")
        self.warm_up()
        self.check_both_ways()

        self.kill(self.netsim)
        self.netsim = self.begin(self.stage.upf, "netsim")
        # By the new one: what the old one set up carries packets until the UPF is told to forget it.
        self.wait_for(lambda: self.session_state() == "ESTABLISHED")
        self.wait_for(lambda: self.status()["control"] == "registered")
        self.warm_up()
        self.check_both_ways()

        self.kill(self.upf)
        begun = int(time.time())  # its recovery time stamp counts seconds
        self.wait_for(lambda: int(time.time()) > begun)
        self.upf = self.start_upf()
        self.warm_up()
        self.check_both_ways()


    def test_a_time_stamp_of_qos_monitoring_is_answered(self):
        teid, qfi = self.status()["ues"][0]["teid"], self.status()["flows"][0]["qfi"]
        n3, wire = self.stage.upf.udp(N3_UPF), self.stage.upf.frames("n3")
        self.addCleanup(n3.close)
        self.addCleanup(wire.close)
        sent = (int(time.time()) + 2_208_988_800 << 32) + 7  # RFC 5905: seconds since 1900 and a fraction
        body = b"\0\0\0\x85" + bytes([3, 0x08, qfi]) + sent.to_bytes(8, "big") + b"\0" + self.downlink(b"stamped")
        n3.sendto(struct.pack(">BBHI", 0x34, 255, len(body), teid) + body, (N3_GNB, 2152))
        self.assertEqual(self.receiver.recv(65535), b"stamped")
        until, message = time.monotonic() + 10, b""
        while message[1:2] != b"\xff" or message[11] != 0x85 or message[13] != 0x1E:  # UL, stamps and both delays
            self.assertLess(time.monotonic(), until, "no answer")
            message = wire.recv(65535)[42:] + bytes(14)
        self.assertEqual(message[14] & 0x3F, qfi)
        repeated, received, back = struct.unpack(">QQQ", message[15:39])
        self.assertEqual(repeated, sent)
        self.assertLess(abs(received - sent) >> 32, 10)
        self.assertGreaterEqual(back - received, int(0.04 * 2**32), "no packet came up meanwhile: an empty one after 50 ms")
        down, up = struct.unpack(">II", message[39:47])
        self.assertEqual(up, 2)
        self.assertLess(down, 1000)
        self.assertEqual(self.status()["stamps_answered"], 1)


class WithoutNetwork(UpfCase):
    """Sessions of the configuration, and some other control plane at the UPF."""

    def test_a_session_of_the_configuration_carries_packets_both_ways(self):
        self.gnb.close()
        _, teid = self.establish(session_rules(qer=create_qer(1, qfi=9)))
        there = Namespace()
        self.addCleanup(there.end)
        self.stage.gnb.ip(f"link add air0 type veth peer name air1 netns {there.holder.pid}")
        for namespace, name, address in ((self.stage.gnb, "air0", AIR_GNB), (there, "air1", AIR_UE)):
            namespace.ip(f"address add {address}/24 dev {name}")
            namespace.ip(f"link set {name} up")
        config = self.folder / "gnb.yaml"
        (self.folder / "cell.trace").write_text("0.2 20 Mbps\n0.1 2 Mbps\n", encoding="utf-8")
        config.write_text(f"""
gnb:
  n3: {{address: {N3_GNB}}}
  air: {{server: {{address: {AIR_GNB}}}}}
  cell: {{trace: cell.trace}}
  ues:
    - name: ue1
      session: {{address: {UE}, teid: {GNB_TEID}, upf: {N3_UPF}, upf_teid: {teid}, flows: [{{qfi: 9}}]}}
""", encoding="utf-8")
        processes = []
        for namespace, words in ((self.stage.gnb, ["gnb", "-c", str(config)]),
                                 (there, ["ue", "--gnb", AIR_GNB, "--name", "ue1", "--tun", "tun7"])):
            with namespace.inside():
                processes.append(harness.Process([harness.LOBO, *words], self.folder / "gnb.log", self.folder))
            self.addCleanup(processes[-1].end)
        self.assertEqual(processes[0].ready(), [f"gtpu://{N3_GNB}:2152", f"air://{AIR_GNB}:{AIR_PORT}"])
        self.assertEqual(processes[1].ready(), ["tun7", UE])
        receiver = there.udp(UE, 5004)
        self.addCleanup(receiver.close)
        ask_until(lambda: self.send_downlink(self.downlink(b"down")), receiver)
        ask_until(lambda: receiver.sendto(b"up", (N6_SERVER, 6000)), self.server)
        stranger = there.udp(AIR_UE)
        self.addCleanup(stranger.close)
        stranger.sendto(struct.pack(">HBBII", 0x4C41, 1, 1, 0, 0) + b"ue2", (AIR_GNB, AIR_PORT))
        self.assertIn(b"no such UE", stranger.recv(65535))


class Hostile(GnbCase):
    def test_malformed_gtpu_and_air_datagrams_cost_nobody_else_anything(self):
        n3 = self.stage.upf.udp(N3_UPF)
        self.addCleanup(n3.close)
        teid = self.status()["ues"][0]["teid"]
        head = struct.pack(">BBHI", 0x34, 255, 8, teid)
        for bad in (b"", b"\x30", bytes(8), b"\x34\xff\xff\xff" + bytes(4), head + bytes(8), head + b"\0\0\0\x85\0\0\0\0",
                    struct.pack(">BBHI", 0x30, 255, 0, teid), struct.pack(">BBHI", 0x30, 255, 4, teid) + b"\xff" * 4,
                    head + b"\0\0\0\xc5\1\0\0\0", b"\xff" * 1400,
                    struct.pack(">BBHI", 0x34, 255, 12, teid) + b"\0\0\0\x85\1\0\x09\0" + b"\x45\0\0\0"):
            n3.sendto(bad, (N3_GNB, 2152))
        n3.sendto(struct.pack(">BBHI", 0x30, 255, 20, teid ^ 1) + bytes([0x45] + [0] * 19), (N3_GNB, 2152))
        n3.sendto(struct.pack(">BBHIHBB", 0x32, 1, 4, 0, 77, 0, 0), (N3_GNB, 2152))
        answer = n3.recv(65535)
        self.assertEqual((answer[1], struct.unpack(">H", answer[8:10])[0]), (2, 77))

        stranger = self.ue_namespace.udp(AIR_UE)
        self.addCleanup(stranger.close)
        air = lambda kind, attachment=0, body=b"", version=1: \
            struct.pack(">HBBII", 0x4C41, version, kind, attachment, 0) + body
        for bad in (b"", b"L", air(1), air(1, body=bytes(65)), air(9), air(4, 7), air(1, body=b"ue1", version=2),
                    air(1, body=b"a\nb"), air(5, 7, b"\x45" + bytes(30)), air(7, 7), b"\xff" * 1400):
            stranger.sendto(bad, (AIR_GNB, AIR_PORT))
        stranger.sendto(air(1, body=b"nobody"), (AIR_GNB, AIR_PORT))
        answers = []
        while not any(b"No UE" in one for one in answers):
            if not readable(stranger, 0.3):
                stranger.sendto(air(1, body=b"nobody"), (AIR_GNB, AIR_PORT))
                continue
            answers.append(stranger.recv(65535))
            self.assertIn(answers[-1][3], (3, 8))

        self.check_both_ways()
        status = self.status()
        self.assertGreaterEqual(status["gtpu"]["malformed"], 5)
        self.assertEqual(status["gtpu"]["unknown_teid"], 1)
        self.assertEqual(status["gtpu"]["extension_not_understood"], 1)
        # The list of those that are understood goes to the UPF's port, whatever port the packet came from.
        self.wait_for(lambda: self.metric("lobo_upf_gtpu_signals_total", signal="supported_extensions") == 1)
        self.assertGreaterEqual(status["air"]["malformed"], 6)
        self.assertEqual(status["air"]["unknown_attachment"], 2)

    def test_what_is_missing_is_named(self):
        unable = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", "--"]
        with self.ue_namespace.inside():
            refused = subprocess.run([*unable, harness.LOBO, "ue", "--gnb", AIR_GNB, "--name", "ue9"],
                                             capture_output=True, text=True, timeout=20)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("CAP_NET_ADMIN", refused.stderr)
        checked = self.lobo(self.stage.gnb, "config", "check", str(self.folder / "gnb.yaml"), "-o", "json")
        self.assertEqual([row["section"] for row in json.loads(checked.stdout)], ["gnb.n3", "gnb.air", "gnb.metrics"])
        with self.stage.gnb.inside():
            taken = subprocess.run([harness.LOBO, "gnb", "-c", str(self.folder / "gnb.yaml"), "--check"],
                                           capture_output=True, text=True, timeout=20)
        self.assertNotEqual(taken.returncode, 0)
        self.assertIn("UDP port 2152", taken.stderr)


class Congestion(GnbCase):
    def important_and_other(self, arrived):
        important = [count == 4 for frame, count in arrived.items() if frame % 10 == 0]
        other = [count == 4 for frame, count in arrived.items() if frame % 10 != 0]
        return sum(important) / len(important), sum(other) / len(other)

    def test_a_narrow_cell_keeps_important_sets_where_it_knows_them_and_loses_them_where_not(self):
        self.ask_for_qos()
        self.assertEqual(set(self.play(1).values()), {4}, "a wide cell carries all of it")
        with self.stage.gnb.inside():
            self.assertEqual(harness.ask(ADMIN + "/status/gnb/cell", "PUT", body={"rate": "fast"}).status, 400)
        self.assertEqual(self.set_cell(rate="800 Kbps")["rate"], "800 Kbps")
        important, other = self.important_and_other(self.play(6, self.next_frame))
        self.assertGreater(important, 0.95)
        self.assertLess(other, 0.75)
        flow = self.flow(self.qfi)
        self.assertGreater(flow["sets"], 300)
        # A machine that is busy with something else loses a datagram now and then before it comes to the cell.
        self.assertLessEqual(set(flow["oddities"]), {"set_with_holes"})
        self.assertLess(flow["oddities"].get("set_with_holes", 0), 0.02 * flow["sets"])
        self.assertGreater(flow["sets_lost"] + flow["sets_damaged"], 30)

        changed = self.lobo(self.stage.gnb, "net", "radio", "--gnb", ADMIN, "--scheduler", "plain", "-o", "json")
        self.assertEqual(json.loads(changed.stdout)[0]["scheduler"], "plain", changed.stderr)
        important, _ = self.important_and_other(self.play(6, self.next_frame))
        self.assertLess(important, 0.8)

    def test_a_worse_link_is_netsims_to_say(self):
        self.ask_for_qos()
        self.lobo(self.stage.upf, "net", "degrade", "ue1", "--loss", "100")
        self.wait_until_lost()
        self.lobo(self.stage.upf, "net", "restore", "ue1")
        self.warm_up()

    def wait_until_lost(self):
        for _ in range(100):
            self.drain(0.05)
            self.send_downlink(self.downlink(b"still there?"))
            if not readable(self.receiver, 0.2):
                return
        self.fail("nothing was lost")


class Promise(GnbCase):
    """QOS_NOT_GUARANTEED because packets are late or lost, and QOS_GUARANTEED because they are not any more."""

    def play_until(self, word, seconds=15):
        """Plays on until the application is told so."""
        for _ in range(seconds):
            self.play(1, getattr(self, "next_frame", 0))
            while readable(self.listener.child.stdout, 0) or b"\n" in self.listener.unread:
                self.told.append(self.listener.line(1))
            if any(word in one for one in self.told):
                return
        self.fail(f"{word} was not told: {self.told}")

    def journal(self):
        return self.ask(CONTROL + "/journal?limit=1000").json["entries"]

    def test_the_application_is_told_because_it_is_true_and_the_reason_can_be_looked_up(self):
        self.told = []
        self.listener = self.start_listener()
        self.ask_for_qos(self.listener.ready()[0])
        self.play(2)
        self.assertFalse(self.flow(self.qfi)["not_held"])
        self.set_cell(rate="500 Kbps")
        self.play_until("QOS_NOT_GUARANTEED")
        self.assertTrue(self.flow(self.qfi)["not_held"])
        # Reasons are those of the window that is now, and a window without packets has none.
        for _ in range(15):
            if self.flow(self.qfi)["reasons"]:
                break
            self.play(1, getattr(self, "next_frame", 0))
        else:
            self.fail("no window says why")
        notices = [one for one in self.journal() if one.get("operation") == "NotifyNetPduSession"]
        self.assertEqual(notices[0]["status"], 204)
        causes = set(json.loads(notices[0]["body"])["causes"])
        self.assertTrue(causes and causes <= {"GFBR", "PSDB", "PSER"}, causes)
        self.told.clear()
        self.set_cell(rate="12 Mbps")
        self.play_until("QOS_GUARANTEED")
        self.assertFalse(self.flow(self.qfi)["not_held"])
        self.assertEqual(self.flow(self.qfi)["notices"], 2)


if __name__ == "__main__":
    need_namespaces()
    socket.setdefaulttimeout(20)
    harness.main()
