#!/usr/bin/env python3
"""IPv6 from end to end: UEs that have it, and tunnels over it, alone and together."""

import unittest

import marks
from control_plane import PDUSM, create_qer, session_rules, udp_option
from net import N3_GNB_V6, N3_UPF_V6, N6_SERVER_V6, UE_V6, ask_until, ip_packet, readable
from upf_case import UpfCase, need_namespaces

QFI = 9


class EndToEnd:
    """What each case has to do; the classes below say which side is IPv6."""

    def rules(self, protocol=()):
        indications = PDUSM if protocol else 0
        return session_rules(downlink=protocol, qer=create_qer(1, qfi=QFI, indications=indications), ue=self.ue,
                             gnb=self.n3_gnb)

    def uplink(self, payload):
        return ip_packet(self.ue, self.server_address, 5004, 6000, payload)

    def test_packets_go_both_ways_as_they_were(self):
        _, teid = self.establish(self.rules())
        self.warm_up()
        for size in (1, 2, 333, 1000, 1300):
            packet = self.downlink(bytes(i * 7 & 255 for i in range(size)))
            message = self.through(packet)
            self.assertEqual((message["payload"], message["session"]["qfi"]), (packet, QFI))
        ask_until(lambda: self.send_uplink(teid, self.uplink(b"first")), self.server)
        for size in (1, 500, 1300):
            payload = bytes(i * 3 & 255 for i in range(size))
            while readable(self.server, 0.1):
                self.server.recv(65535)
            self.send_uplink(teid, self.uplink(payload))
            self.assertTrue(readable(self.server, 5))
            got, sender = self.server.recvfrom(65535)
            self.assertEqual((got, sender[:2]), (payload, (self.ue, 5004)))
        self.assertEqual(self.metric("lobo_upf_dropped_packets_total", reason="malformed"), 0)

    def test_a_mark_in_an_option_is_told_and_taken_out(self):
        self.establish(self.rules([udp_option()]))
        self.warm_up()
        for pssn in range(8):
            payload = bytes(i & 255 for i in range(700 + pssn))  # odd and even
            bare = self.downlink(payload)
            mark = {"E": 1, "D": 0, "PSI": 1 + pssn, "PSSN": pssn, "PSN": 0, "PSSize": 0, "NPDS": 1, "BSize": 0,
                    "TTNB": 0xFFFF}
            whole = len(self.downlink(payload, marks.clear_option(mark)))
            message = self.through(self.downlink(payload, marks.clear_option(dict(mark, PSSize=whole))))
            self.assertEqual(message["payload"], bare)
            told = {name: mark[name] for name in ("E", "D", "PSI", "PSSN", "PSN")}
            self.assertEqual(message["set"]["mark"], dict(told, PSSize=len(bare)))


class UeWithIpv6(EndToEnd, UpfCase):
    ue, server_address = UE_V6, N6_SERVER_V6

    def test_every_address_of_the_ues_network_is_the_ues(self):
        self.establish(self.rules())
        self.warm_up()
        prefix = UE_V6.removesuffix("2")
        packet = ip_packet(self.server_address, prefix + "abcd:1", 6000, 5004, b"privacy address")
        self.assertEqual(self.through(packet)["payload"], packet)
        # The kernel's own multicast on N6 is counted for the same reason, whenever it comes.
        before = self.metric("lobo_upf_dropped_packets_total", reason="no_session")
        self.send_downlink(ip_packet(self.server_address, "fd00:45:0:2::2", 6000, 5004, b"another network"))
        self.wait_for(lambda: self.metric("lobo_upf_dropped_packets_total", reason="no_session") > before)
        self.assertEqual(self.through(packet)["payload"], packet, "nothing came before it")


class TunnelOverIpv6(EndToEnd, UpfCase):
    n3_upf, n3_gnb = N3_UPF_V6, N3_GNB_V6


class BothOverIpv6(EndToEnd, UpfCase):
    ue, server_address = UE_V6, N6_SERVER_V6
    n3_upf, n3_gnb = N3_UPF_V6, N3_GNB_V6


class BothOverIpv6ByXdp(BothOverIpv6):
    ports = 'af_xdp\n  ue_networks: ["fd00:45::/32"]'
    workers = 1

    def start_upf(self):
        try:
            return super().start_upf()
        except AssertionError as refusal:
            if "CAP_BPF" in str(refusal) or "without libxdp" in str(refusal):
                self.skipTest("an XDP program may not be loaded here, or this build has no AF_XDP")
            raise


if __name__ == "__main__":
    need_namespaces()
    unittest.main()
