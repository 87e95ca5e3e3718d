#!/usr/bin/env python3
"""The MBR of a flow against a flood, measured where it arrives."""

import time
import unittest

from control_plane import create_qer, session_rules
from net import UE, readable
from upf_case import UpfCase, need_namespaces
from xrm_decoder import read_gtpu

MBR_KBPS = 8000
FLOOD_KBPS = 3 * MBR_KBPS
SETTLED = 1.0
WINDOW = 4.0
PAYLOAD = bytes(1172)  # a packet of 1,200 octets


class Rates(UpfCase):
    def test_a_flood_gets_its_rate_and_no_more(self):
        self.establish(session_rules(qer=create_qer(1, qfi=9, mbr_kbps=MBR_KBPS)))
        self.warm_up()
        begun = time.monotonic()
        sent = 0
        arrived = []
        while (now := time.monotonic() - begun) < SETTLED + WINDOW + 0.1:
            due = int(now * FLOOD_KBPS * 1000 / 8 / 1200)
            for _ in range(min(due - sent, 50)):
                self.server.sendto(PAYLOAD, (UE, 5004))
            sent = min(due, sent + 50)
            while readable(self.gnb, 0.001):
                arrived.append((time.monotonic() - begun, len(read_gtpu(self.gnb.recv(65535))["payload"])))
        octets = sum(size for at, size in arrived if SETTLED <= at < SETTLED + WINDOW)
        rate = octets * 8 / WINDOW / 1000
        print(f"MBR {MBR_KBPS} kbit/s, flood {sent * 9.6 / now:.0f}, arrived {rate:.0f} ({rate / MBR_KBPS:.2%})")
        self.assertAlmostEqual(rate / MBR_KBPS, 1, delta=0.05)
        self.assertGreater(self.metric("lobo_upf_dropped_packets_total", reason="rate_exceeded"), 0)


if __name__ == "__main__":
    need_namespaces()
    unittest.main()
