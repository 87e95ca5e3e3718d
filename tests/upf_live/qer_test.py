#!/usr/bin/env python3
"""The rates of QERs as iperf3 sees them, at a UE with a kernel of its own behind the tunnel."""

import shutil
import statistics
import unittest

import rate_cases
from rate_cases import GBR_SENT_KBPS, MBR_KBPS
from upf_case import GNB_TEID, UpfCase, need_namespaces

SECONDS = 5


@unittest.skipUnless(shutil.which("iperf3") and shutil.which("ethtool"), "iperf3 or ethtool is not installed")
class Rates(UpfCase):
    def radio(self, rules, delay=0.0):
        _, teid = self.establish(rules)
        radio = rate_cases.open_radio(self.stage, self.gnb, self.server, teid, delay)
        self.addCleanup(radio.end)
        return radio

    def test_udp_arrives_at_the_mbr_in_each_second(self):
        radio = self.radio(rate_cases.rules_mbr(GNB_TEID))
        windows = rate_cases.udp(self.stage, radio, 3 * MBR_KBPS, SECONDS)
        print("UDP, kbit/s in each second:", [round(one) for one in windows])
        self.assertAlmostEqual(statistics.median(windows) / MBR_KBPS, 1, delta=0.02)
        self.assertLessEqual(max(windows) / MBR_KBPS, 1.05)  # the bound of any averaging window

    def test_tcp_has_most_of_the_mbr_and_no_more(self):
        radio = self.radio(rate_cases.rules_mbr(GNB_TEID))
        rate, again = rate_cases.tcp(self.stage, radio, 10)
        print(f"TCP, kbit/s over 10 s: {rate:.0f}, {again} sent again")
        self.assertGreaterEqual(rate / MBR_KBPS, 0.85)
        self.assertLessEqual(rate / MBR_KBPS, 1.02)

    def test_tcp_has_it_too_where_the_radio_takes_its_time(self):
        radio = self.radio(rate_cases.rules_mbr(GNB_TEID), delay=0.010)
        rate, again = rate_cases.tcp(self.stage, radio, 10)
        print(f"TCP, 20 ms there and back, kbit/s over 10 s: {rate:.0f}, {again} sent again")
        self.assertGreaterEqual(rate / MBR_KBPS, 0.85)
        self.assertLessEqual(rate / MBR_KBPS, 1.02)

    def test_a_gbr_flow_keeps_its_rate_against_a_flood(self):
        radio = self.radio(rate_cases.rules_gbr(GNB_TEID))
        kept, others = rate_cases.gbr_against_flood(self.stage, radio, SECONDS)
        print("GBR flow, kbit/s in each second:", [round(one) for one in kept])
        print("flood, kbit/s in each second:", [round(one) for one in others])
        self.assertAlmostEqual(statistics.median(kept) / GBR_SENT_KBPS, 1, delta=0.02)
        self.assertGreaterEqual(min(kept) / GBR_SENT_KBPS, 0.95)
        self.assertAlmostEqual(statistics.median(others) / MBR_KBPS, 1, delta=0.02)


if __name__ == "__main__":
    need_namespaces()
    unittest.main()
