#!/usr/bin/env python3
"""A session at `lobo upf` by PFCP: packets both ways, GTP-U's own messages, gates, usage."""

import json
import signal
import struct
import time
import unittest

from control_plane import BUFFER_AND_NOTIFY, CLOSED, DROP_BUFFERED, FORWARD, ControlPlane, create_qer, create_urr, fields, \
    find, modification_flags, query_urr, session_rules, update_far, update_qer
from net import N3_UPF, N6_SERVER, N6_UPF, UE, ask_until, ip_packet, readable
from both_ways import QFI, BothWays
from upf_case import need_namespaces

REFUSED_NO_ASSOCIATION = "72"


def volume(usage):
    return {name: int(count) for name, count in find(usage["ies"], 66)["fields"].items()}


class OverXdp(BothWays):
    ports = "af_xdp\n  ue_networks: [10.45.0.0/16]"
    workers = 1

    def start_upf(self):
        try:
            return super().start_upf()
        except AssertionError as refusal:
            if "CAP_BPF" in str(refusal) or "without libxdp" in str(refusal):
                self.skipTest("an XDP program may not be loaded here, or this build has no AF_XDP")
            raise

    def test_packets_go_both_ways_past_the_kernels_stack_and_it_keeps_the_rest(self):
        self.check_both_ways()
        self.assertIn("xdp", self.stage.upf.ip("-d link show n6"))
        self.stage.server.ip("neighbour flush dev dn0")
        # ARP is the kernel's: who forgot the UPF's address finds it again.
        self.server.sendto(b"x", (UE, 5004))
        self.assertTrue(readable(self.gnb, 5))
        self.upf.signal(signal.SIGKILL)
        self.upf.wait()
        self.wait_for(lambda: "xdp" not in self.stage.upf.ip("-d link show n6") + self.stage.upf.ip("-d link show n3"))


class Session(BothWays):
    def test_packets_go_both_ways_as_they_were_with_the_flow_named_to_the_ran(self):
        self.check_both_ways()

    def test_what_no_rule_is_for_goes_nowhere_and_is_counted(self):
        _, teid = self.establish(session_rules(qer=create_qer(1, qfi=QFI)))
        self.warm_up()
        self.send_downlink(ip_packet(N6_SERVER, UE, 6000, 5005, b"another port"))
        self.send_downlink(ip_packet(N6_SERVER, "10.45.0.3", 6000, 5004, b"another UE"))
        self.send_uplink(teid, ip_packet("10.45.0.3", N6_SERVER, 5004, 6000, b"another's address"))
        self.wait_for(lambda: self.metric("lobo_upf_dropped_packets_total", direction="downlink", reason="no_rule") == 1
                      and self.metric("lobo_upf_dropped_packets_total", reason="no_session") == 1
                      and self.metric("lobo_upf_dropped_packets_total", direction="uplink", reason="no_rule") == 1)
        self.assertFalse(readable(self.gnb, 0))
        self.assertEqual(self.through(self.downlink(b"still there"))["session"]["qfi"], QFI)

    def test_an_echo_is_answered_and_a_tunnel_that_nobody_has_is_told_as_an_error(self):
        echo = struct.pack(">BBHIHBB", 0x32, 1, 4, 0, 77, 0, 0)
        answer = ask_until(lambda: self.gnb.sendto(echo, (N3_UPF, 2152)), self.gnb)
        self.assertEqual((answer[1], struct.unpack(">H", answer[8:10])[0]), (2, 77))
        while readable(self.gnb, 0.3):
            self.gnb.recv(65535)

        self.send_uplink(0xDEAD, ip_packet(UE, N6_SERVER, 1, 2, b"lost"))
        self.assertTrue(readable(self.gnb, 5))
        refusal = self.gnb.recv(65535)
        self.assertEqual(refusal[1], 26)
        self.assertIn(struct.pack(">BI", 16, 0xDEAD), refusal)  # Tunnel Endpoint Identifier Data I
        self.assertFalse(readable(self.server, 0))

    def test_a_closed_gate_stops_the_flow_as_soon_as_the_response_is_there(self):
        seid, _ = self.establish(session_rules(qer=create_qer(1, qfi=QFI)))
        self.warm_up()
        for _ in range(5):
            self.assertEqual(fields(self.smf.modify(seid, update_qer(1, qfi=QFI, downlink=CLOSED)), 19)["value"], "1")
            closed = self.metric("lobo_upf_dropped_packets_total", reason="gate_closed")
            self.send_downlink(self.downlink(b"stop"))
            self.wait_for(lambda: self.metric("lobo_upf_dropped_packets_total", reason="gate_closed") == closed + 1)
            self.assertFalse(readable(self.gnb, 0))
            self.assertEqual(fields(self.smf.modify(seid, update_qer(1, qfi=QFI)), 19)["value"], "1")
            self.through(self.downlink(b"go on"))

    def test_usage_is_reported_at_the_threshold_and_the_rest_at_deletion(self):
        seid, teid = self.establish(session_rules(qer=create_qer(1, qfi=QFI), urrs=[1]) + create_urr(1, volume=20_000))
        self.warm_up()
        ask_until(lambda: self.send_uplink(teid, ip_packet(UE, N6_SERVER, 5004, 6000, b"first")), self.server)
        while self.smf.take(0.2):
            continue
        self.smf.reports.clear()
        before = self.smf.modify(seid, query_urr(1))
        for _ in range(24):
            self.through(self.downlink(bytes(972)))  # a packet of 1,000 octets
        report = self.smf.wait_report()
        reported = volume(find(report["ies"], 80))
        self.assertEqual(find(report["ies"], 80, 81)["fields"]["value"], "1")
        self.assertGreaterEqual(reported["total"], 20_000)
        self.assertEqual(reported["total"] % 1000, 0)
        self.assertEqual(reported["uplink"], 0)
        self.send_uplink(teid, ip_packet(UE, N6_SERVER, 5004, 6000, bytes(472)))
        self.server.recv(65535)
        last = self.smf.delete(seid)
        self.assertEqual(fields(last, 19)["value"], "1")
        rest = volume(find(last["ies"], 79))
        self.assertEqual(reported["downlink"] + rest["downlink"], 24_000)
        self.assertEqual(rest["uplink"], 500)
        self.assertEqual(fields(before, 19)["value"], "1")
        self.wait_for(lambda: self.metric("lobo_upf_sessions") == 0)
        self.send_downlink(self.downlink(b"gone"))
        self.wait_for(lambda: self.metric("lobo_upf_dropped_packets_total", reason="no_session") >= 1)

    def test_who_has_no_association_gets_no_session(self):
        answer = self.smf.establish(session_rules(qer=create_qer(1, qfi=QFI)))
        self.assertEqual(fields(answer, 19)["value"], REFUSED_NO_ASSOCIATION)
        stranger = ControlPlane.__new__(ControlPlane)
        stranger.socket, stranger.upf, stranger.sequence = self.stage.upf.udp("127.0.0.65"), self.smf.upf, 0
        stranger.started, stranger.reports, stranger.reports_by_seid = 1, [], {}
        self.addCleanup(stranger.end)
        self.assertNotEqual(fields(stranger.associate(), 19)["value"], "1")

    def test_no_packet_is_lost_where_the_kernel_forgets_a_neighbour(self):
        _, teid = self.establish(session_rules(qer=create_qer(1, qfi=QFI)))
        self.warm_up()
        ask_until(lambda: self.send_uplink(teid, ip_packet(UE, N6_SERVER, 5004, 6000, b"warm")), self.server)
        while readable(self.server, 0.3):
            self.server.recv(65535)
        before = self.metric("lobo_upf_dropped_packets_total", reason="no_neighbour")
        sent = down = up = 0
        begun = time.monotonic()
        flushes = [0.2, 1.1]
        while (now := time.monotonic() - begun) < 2:
            if flushes and now > flushes[0]:
                flushes.pop(0)
                for side in ("n3", "n6"):
                    self.stage.upf.ip(f"neighbour flush dev {side}")
            self.send_downlink(self.downlink(b"kept"))
            self.send_uplink(teid, ip_packet(UE, N6_SERVER, 5004, 6000, b"kept"))
            sent += 1
            while readable(self.gnb, 0.001):
                down += self.gnb.recv(65535)[1] == 255
            while readable(self.server, 0):
                up += self.server.recv(65535) == b"kept"
        while readable(self.gnb, 0.3):
            down += self.gnb.recv(65535)[1] == 255
        while readable(self.server, 0.3):
            up += self.server.recv(65535) == b"kept"
        self.assertEqual((down, up), (sent, sent))
        self.assertEqual(self.metric("lobo_upf_dropped_packets_total", reason="no_neighbour"), before)

    def test_the_first_packets_to_who_was_never_known_wait_until_he_is(self):
        _, teid = self.establish(session_rules(qer=create_qer(1, qfi=QFI)))
        payloads = [f"{number} of the first".encode() for number in range(20)]
        for payload in payloads:
            self.send_downlink(self.downlink(payload))
        down = []
        while len(down) < len(payloads) and readable(self.gnb, 5):
            message = self.gnb.recv(65535)
            if message[1] == 255:
                down.append(message)
        self.assertEqual([payload for message, payload in zip(down, payloads) if message.endswith(payload)], payloads)
        for payload in payloads:
            self.send_uplink(teid, ip_packet(UE, N6_SERVER, 5004, 6000, payload))
        self.assertEqual([self.server.recv(65535) for _ in payloads], payloads)

    def test_what_a_far_buffers_is_told_and_passes_in_its_order_once_the_far_forwards(self):
        seid, _ = self.establish(session_rules(qer=create_qer(1, qfi=QFI)))
        self.warm_up()
        payloads = [f"{number} for a UE that sleeps".encode() for number in range(20)]

        def sleep_and_send():
            self.smf.modify(seid, update_far(1, BUFFER_AND_NOTIFY))
            for payload in payloads:
                self.send_downlink(self.downlink(payload))
            self.wait_for(lambda: self.metric("lobo_upf_buffered_packets", direction="downlink") == len(payloads))
            self.assertFalse(readable(self.gnb, 0))

        sleep_and_send()
        self.assertEqual(find(self.smf.wait_report()["ies"], 83, 56)["fields"]["value"], "1")
        self.smf.modify(seid, update_far(1, FORWARD))
        for payload in payloads:
            self.assertTrue(readable(self.gnb, 5))
            self.assertTrue(self.gnb.recv(65535).endswith(payload))
        self.assertEqual(self.metric("lobo_upf_buffered_packets", direction="downlink"), 0)

        sleep_and_send()
        self.smf.modify(seid, modification_flags(DROP_BUFFERED) + update_far(1, FORWARD))
        self.assertEqual(self.through(self.downlink(b"the first that counts"))["session"]["qfi"], QFI)
        self.assertEqual(self.metric("lobo_upf_dropped_packets_total", reason="rule_buffers"), len(payloads))

    def test_the_page_for_people_says_what_happens(self):
        self.establish(session_rules(qer=create_qer(1, qfi=QFI)))
        self.warm_up()
        page = json.loads(self.page("/status/upf"))
        self.assertEqual((page["n4"]["sessions"], page["n4"]["associations"]), (1, 1))
        self.assertEqual((page["n3"]["interface"], page["n3"]["state"]), ("n3", "open"))
        self.assertEqual(page["n6"]["ipv4"], N6_UPF)
        self.assertGreaterEqual(page["downlink"]["sent"]["packets"], 1)
        self.assertEqual(self.metric("lobo_upf_sessions"), 1)

if __name__ == "__main__":
    need_namespaces()
    unittest.main()
