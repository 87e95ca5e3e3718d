#!/usr/bin/env python3
"""The MBR of a flow against a flood, measured where it arrives; also where two workers get its packets."""

import math
import statistics
import time
import unittest

from control_plane import CORE, create_pdr, create_qer, ie, sdf, session_rules, u8, ue_address
from net import N6_SERVER_V6, ip_packet, readable
from upf_case import UpfCase, enough_cores, need_namespaces
from xrm_decoder import read_gtpu

MBR_KBPS = 8000
FLOOD_KBPS = 3 * MBR_KBPS
SETTLED = 1.0
WINDOWS = 3
PAYLOAD = 1152
PACKET = 1200  # with the headers of IPv6; 20 octets less with those of IPv4
AT_ONCE = 50


class Rates(UpfCase):
    def flood(self, frames):
        """These in turns, at FLOOD_KBPS: kbit/s of IP packets that arrived in each second."""
        begun = time.monotonic()
        sent = 0
        arrived = [0] * WINDOWS
        while (now := time.monotonic() - begun) < SETTLED + WINDOWS + 0.1:
            due = min(int(now * FLOOD_KBPS * 1000 / 8 / PACKET), sent + AT_ONCE)
            for number in range(sent, due):
                self.wire.send(frames[number % len(frames)])
            sent = due
            while readable(self.gnb, 0.001):
                window = math.floor(time.monotonic() - begun - SETTLED)
                octets = len(read_gtpu(self.gnb.recv(65535))["payload"])
                if 0 <= window < WINDOWS:
                    arrived[window] += octets
        print(f"MBR {MBR_KBPS} kbit/s, sent {sent * PACKET * 8 / now / 1000:.0f}, arrived in each second:",
              [round(octets * 8 / 1000) for octets in arrived])
        return [octets * 8 / 1000 for octets in arrived]

    def frame(self, packet):
        return self.link[:12] + (b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00") + packet


class OneAddress(Rates):
    def test_a_flood_gets_its_rate_and_no_more(self):
        self.establish(session_rules(qer=create_qer(1, qfi=9, mbr_kbps=MBR_KBPS)))
        self.warm_up()
        rates = self.flood([self.frame(self.downlink(bytes(PAYLOAD)))])
        self.assertAlmostEqual(statistics.mean(rates) / MBR_KBPS, 1, delta=0.05)
        self.assertGreater(self.metric("lobo_upf_dropped_packets_total", reason="rate_exceeded"), 0)


@unittest.skipUnless(enough_cores(2), "two workers want two cores")
class TwoAddresses(Rates):
    """The kernel gives the packets of one address to the session's worker, those of the other one to the other."""
    workers = 2

    def to_ipv6(self, network, payload):
        return ip_packet(N6_SERVER_V6, f"fd00:45:0:{network:x}::2", 6000, 5004, payload)

    def worker_of(self, packet):
        """Whoever gets many of it: nobody has a session."""
        def got():
            return [self.metric("lobo_upf_worker_packets_total", worker=str(one), direction="downlink")
                    for one in range(self.workers)]
        before = got()
        for _ in range(AT_ONCE):
            self.wire.send(self.frame(packet))
        self.wait_for(lambda: sum(got()) - sum(before) >= AT_ONCE)
        rise = [after - one for after, one in zip(got(), before)]
        return rise.index(max(rise))

    def test_the_packets_that_the_other_worker_hands_over_share_the_rate(self):
        its = self.worker_of(self.downlink(b"x"))
        network = next(one for one in range(1, 40) if self.worker_of(self.to_ipv6(one, b"x")) != its)
        flow = sdf("permit out 17 from any to assigned 5004")
        second = create_pdr(3, pdi=[ie(20, u8(CORE)), ue_address(True, f"fd00:45:0:{network:x}::2"), flow], far=1,
                            qers=[1])
        self.establish(session_rules(qer=create_qer(1, qfi=9, mbr_kbps=MBR_KBPS)) + second)
        self.warm_up()
        rates = self.flood([self.frame(self.downlink(bytes(PAYLOAD))),
                            self.frame(self.to_ipv6(network, bytes(PAYLOAD)))])
        self.assertAlmostEqual(statistics.median(rates) / MBR_KBPS, 1, delta=0.02)
        handed = self.metric("lobo_upf_worker_handed_over_total")
        self.assertGreater(handed, FLOOD_KBPS * 1000 / 8 / PACKET * WINDOWS / 3)
        self.assertEqual(self.metric("lobo_upf_port_dropped_packets_total", reason="mailbox_full"), 0)
        dropped = self.metric("lobo_upf_dropped_packets_total", direction="downlink")
        sent = self.metric("lobo_upf_sent_packets_total", direction="downlink")
        self.assertEqual(self.metric("lobo_upf_received_packets_total", direction="downlink"), sent + dropped)


if __name__ == "__main__":
    need_namespaces()
    unittest.main()
