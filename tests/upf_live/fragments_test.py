#!/usr/bin/env python3
"""IP fragments of users' packets, both ways, of several UEs at a time: each goes where the whole packet would have gone."""

import struct
import unittest

from control_plane import ACCESS, CORE, create_far, create_pdr, create_qer, fields, ie, new_tunnel, sdf, ue_address, u8
from net import N6_SERVER, ip_packet, ones_sum, readable
from upf_case import UpfCase, need_namespaces
from xrm_decoder import read_gtpu

UES = [f"10.45.0.{number}" for number in range(2, 8)]
QFI = 9
ROUNDS = 20
SIZE = 2900
PIECE = 1208  # octets behind the IP header, of eights
MORE = 0x2000


def fragments(packet, number):
    """Of an IPv4 packet without options (RFC 791 clause 3.2)."""
    body = packet[20:]
    made = []
    for at in range(0, len(body), PIECE):
        piece = body[at:at + PIECE]
        more = MORE if at + PIECE < len(body) else 0
        head = packet[:2] + struct.pack(">HHH", 20 + len(piece), number, more | at // 8) + packet[8:10] + b"\0\0" + \
            packet[12:20]
        made.append(head[:10] + struct.pack(">H", ~ones_sum(head) & 0xFFFF) + head[12:] + piece)
    return made


class Fragments(UpfCase):
    def setUp(self):
        super().setUp()
        self.teids = {}
        self.assertEqual(fields(self.smf.associate(), 19)["value"], "1")
        # Only the first fragment has ports: the rule asks for none.
        flow = sdf("permit out 17 from any to assigned")
        for at, ue in enumerate(UES):
            rules = b"".join([
                create_pdr(1, pdi=[ie(20, u8(CORE)), ue_address(True, ue), flow], far=1, qers=[1]),
                create_pdr(2, pdi=[ie(20, u8(ACCESS)), new_tunnel(), ue_address(False, ue)], far=2, qers=[1],
                           removal=0),
                create_far(1, ACCESS, 0x2000 + at), create_far(2, CORE), create_qer(1, qfi=QFI)])
            answer = self.smf.establish(rules, seid=100 + at)
            self.assertEqual(fields(answer, 19)["value"], "1", answer)
            self.teids[ue] = int(fields(answer, 8, 21)["teid"])
        self.warm_up()

    def packet(self, ue, number, downlink):
        payload = bytes((number + i) & 255 for i in range(SIZE))
        ends = (N6_SERVER, ue) if downlink else (ue, N6_SERVER)
        ports = (6000, 5004) if downlink else (5004, 6000)
        return ip_packet(*ends, *ports, payload)

    def test_downlink_they_arrive_as_they_were_in_order_and_with_their_flow(self):
        got = {0x2000 + at: [] for at in range(len(UES))}
        sent = {teid: [] for teid in got}
        for number in range(ROUNDS):
            pieces = {teid: fragments(self.packet(ue, number, True), 1 + number) for teid, ue in zip(got, UES)}
            for at in range(3):
                for teid in got:
                    self.send_downlink(pieces[teid][at])
                    sent[teid].append(pieces[teid][at])
            for _ in range(3 * len(UES)):
                self.assertTrue(readable(self.gnb, 5), "a fragment was lost")
                message = read_gtpu(self.gnb.recv(65535))
                self.assertEqual(message["session"]["qfi"], QFI)
                got[message["teid"]].append(message["payload"])
        self.assertEqual(got, sent)

    def test_uplink_the_server_puts_them_together(self):
        self.warm_up_uplink()
        for number in range(ROUNDS):
            wanted = set()
            pieces = {ue: fragments(self.packet(ue, number, False), 1 + number) for ue in UES}
            for at in range(3):
                for ue in UES:
                    self.send_uplink(self.teids[ue], pieces[ue][at], QFI)
                    wanted.add((self.packet(ue, number, False)[28:], (ue, 5004)))
            got = set()
            for _ in UES:
                self.assertTrue(readable(self.server, 5), "a datagram was lost")
                got.add(self.server.recvfrom(65535))
            self.assertEqual(got, wanted)
        self.assertEqual(self.metric("lobo_upf_worker_handed_over_total"), 0, "the kernel divides as the sessions do")

    def warm_up_uplink(self):
        """Each worker knows the server's address."""
        def all_came():
            for ue in UES:
                self.send_uplink(self.teids[ue], ip_packet(ue, N6_SERVER, 5004, 6000, b"warm"), QFI)
            came = set()
            while readable(self.server, 0.2):
                came.add(self.server.recvfrom(65535)[1][0])
            return came == set(UES)
        self.wait_for(all_came)


if __name__ == "__main__":
    need_namespaces()
    unittest.main()
