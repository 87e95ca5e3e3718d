#!/usr/bin/env python3
"""`lobo upf` against what killed its neighbours, and against octets that nobody planned: on N4, N3 and N6, while
an honest session goes on. The lessons are the rows of that name in the corpus of malformed inputs."""

import random
import struct
import time
import unittest

from both_ways import QFI
from control_plane import ACCEPTED, ACCESS, CORE, DELETE, ESTABLISH, MODIFY, create_far, create_pdr, create_qer, \
    create_urr, fields, ie, new_tunnel, node_id, rtp_extension, session_rules, sdf, u8, u16, u32, ue_address, update_qer
from net import N3_UPF, N4_SMF, N6_SERVER, UE, UE_V6, ask_until, g_pdu, ip_packet, octets_of, readable
from upf_case import UpfCase, need_namespaces

OTHER_UE = "10.45.9.9"
NO_RESOURCES = "75"
REPEATS = 10_000
UNDER_WAY = 32
MEMORY_KIB_MAX = 24 * 1024  # the answers that are kept for repeated requests take a tenth of it
MUTANTS = 1_500
IPV6 = b"\x86\xdd"


def ipv6_header(length, next_header=17, source=UE_V6, destination=UE_V6):
    return struct.pack(">IHBB", 6 << 28, length, next_header, 64) + octets_of(source) + octets_of(destination)


def other_session(seid=99, ue=OTHER_UE, far=None, pdi=(), qers=(1,), more=b""):
    """The body of an establishment for somebody else, to be spoiled."""
    return b"".join([
        node_id(N4_SMF), ie(57, u8(2), struct.pack(">Q", seid), bytes([127, 0, 0, 61])),
        create_pdr(1, pdi=[ie(20, u8(CORE)), ue_address(True, ue), *pdi], far=1, qers=qers),
        create_pdr(2, pdi=[ie(20, u8(ACCESS)), new_tunnel(), ue_address(False, ue)], far=2, qers=qers, removal=0),
        create_far(1, ACCESS, 0x2002) if far is None else far, create_far(2, CORE), create_qer(1, qfi=QFI), more])


def every_element(octets, at=0, grouped=(1, 2, 3, 4, 7, 6, 334, 340)):
    """Where each element begins, those inside of grouped ones too: (place, type, length)"""
    end = at + len(octets)
    while at + 4 <= end:
        kind, length = struct.unpack(">HH", octets[at - (end - len(octets)):][:4])
        yield at, kind, length
        if kind in grouped:
            inner = octets[at + 4 - (end - len(octets)):][:length]
            yield from every_element(inner, at + 4, grouped)
        at += 4 + length


class Hostile(UpfCase):
    def setUp(self):
        super().setUp()
        self.seid, self.teid = self.establish(session_rules(qer=create_qer(1, qfi=QFI)))
        self.warm_up()
        ask_until(lambda: self.send_uplink(self.teid, ip_packet(UE, N6_SERVER, 5004, 6000, b"first")), self.server)
        while readable(self.server, 0.2):
            self.server.recv(65535)

    def check_honest(self):
        """The honest session is as it was: packets both ways, octet for octet, under its own flow and tunnel."""
        while readable(self.gnb, 0):
            self.gnb.recv(65535)
        packet = self.downlink(b"down as ever")
        self.send_downlink(packet)
        while True:  # error indications for what the test sent may come first
            self.assertTrue(readable(self.gnb, 5), "nothing came to the gNB")
            message = self.gnb.recv(65535)
            if message[1] == 255:
                break
        self.assertEqual(message[-len(packet):], packet)
        self.send_uplink(self.teid, ip_packet(UE, N6_SERVER, 5004, 6000, b"up as ever"))
        self.assertEqual(self.server.recvfrom(65535), (b"up as ever", (UE, 5004)))
        self.assertEqual(self.metric("lobo_upf_sessions"), 1)

    def passing(self, body, meanwhile=lambda: None):
        """The cause of an establishment; where it is accepted, its session is deleted again."""
        answer = self.smf.ask(ESTABLISH, body, seid=0)
        meanwhile()
        cause = fields(answer, 19)["value"]
        if cause == ACCEPTED:
            deleted = self.smf.delete(int(fields(answer, 57)["seid"]))
            self.assertEqual(fields(deleted, 19)["value"], ACCEPTED)
        return cause

    def refused(self, body):
        self.assertNotEqual(self.passing(body), ACCEPTED, body.hex())

    def memory_kib(self):
        with open(f"/proc/{self.upf.child.pid}/status", encoding="ascii") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))

    def test_lesson_06_an_ipv6_packet_of_length_0_that_says_udp(self):
        bad = [ipv6_header(0), ipv6_header(0) + bytes(8), ipv6_header(8), ipv6_header(7) + bytes(7),
               ipv6_header(0, next_header=0), ipv6_header(8, next_header=44) + bytes(8), ipv6_header(0xFFFF) + bytes(60)]
        link = self.link[:12] + IPV6
        for one in bad:
            for tail in (b"", bytes(30)):
                self.wire.send((link + one + tail).ljust(60, b"\0"))
                self.send_uplink(self.teid, one + tail)
                self.send_uplink(self.teid, one + tail, qfi=None)
        self.check_honest()

    def test_lesson_07_elements_without_content_each_and_ten_thousand_times(self):
        good = other_session(pdi=[sdf("permit out 17 from any to assigned"), rtp_extension(1)],
                             more=create_urr(1, volume=1000))
        self.assertEqual(self.passing(good), ACCEPTED, "what is spoiled below was good")
        for place, _, length in list(every_element(good)):
            if length == 0:
                continue
            # The element alone becomes empty; those around it become as much shorter.
            spoiled = bytearray(good)
            for outer, _, outer_length in every_element(good):
                if outer < place < outer + 4 + outer_length:
                    struct.pack_into(">H", spoiled, outer + 2, outer_length - length)
            struct.pack_into(">H", spoiled, place + 2, 0)
            del spoiled[place + 4:place + 4 + length]
            self.passing(bytes(spoiled))  # some may be missing, or be empty
        self.check_honest()

        empty = ie(3, ie(108, u32(1)), ie(44, u8(2)), ie(4, ie(42, u8(ACCESS)), ie(84)))
        body = other_session(far=empty)
        self.refused(body)
        before = self.memory_kib()
        for _ in range(REPEATS // UNDER_WAY):
            for _ in range(UNDER_WAY):
                self.smf.socket.sendto(self.smf.message(ESTABLISH, body, seid=0), self.smf.upf)
            for _ in range(UNDER_WAY):
                message = self.smf.take(10)
                self.assertIsNotNone(message, "a request was not answered")
        self.assertLess(self.memory_kib() - before, MEMORY_KIB_MAX)
        self.assertEqual(self.passing(other_session()), ACCEPTED)
        self.check_honest()

    def test_lesson_08_more_rules_than_there_is_room_for_is_a_cause(self):
        for count, accepted in ((5, True), (64, True), (65, False), (400, False)):
            qers = b"".join(create_qer(number, qfi=QFI) for number in range(2, count + 1))
            self.assertEqual(self.passing(other_session(more=qers)), ACCEPTED if accepted else NO_RESOURCES, count)
        self.check_honest()

    def test_lesson_09_a_rule_that_leads_nowhere_is_refused_and_traffic_for_it_harmless(self):
        to_ue = [ie(20, u8(CORE)), ue_address(True, OTHER_UE)]
        head = node_id(N4_SMF) + ie(57, u8(2), struct.pack(">Q", 99), bytes([127, 0, 0, 61]))
        self.refused(head + create_pdr(1, pdi=to_ue, far=1))
        self.refused(head + ie(1, ie(56, u16(1)), ie(29, u32(1)), ie(2, *to_ue)) + create_far(1, CORE))
        self.refused(head + create_pdr(1, pdi=[ie(20, u8(9)), to_ue[1]], far=1) + create_far(1, ACCESS, 0x2002))
        self.refused(head + create_pdr(1, pdi=to_ue, far=1) + create_far(1, 9, 0x2002))
        self.refused(head + create_pdr(1, pdi=to_ue, far=1, qers=[7]) + create_far(1, ACCESS, 0x2002))
        for seconds in range(3):
            self.send_downlink(ip_packet(N6_SERVER, OTHER_UE, 6000, 5004 + seconds, b"for nobody"))
        # A FAR that may say so and says no way: what comes is dropped.
        self.passing(head + create_pdr(1, pdi=to_ue, far=1) + ie(3, ie(108, u32(1)), ie(44, u8(2))),
                     lambda: self.send_downlink(ip_packet(N6_SERVER, OTHER_UE, 6000, 5004, b"for nobody")))
        self.check_honest()

    def test_lesson_10_a_modification_that_is_refused_leaves_the_session_as_it_was(self):
        good = update_qer(1, qfi=QFI + 1)
        for bad in (update_qer(5, qfi=QFI), ie(15, ie(56, u16(9))), ie(1, ie(56, u16(3))), ie(3, ie(108, u32(1))),
                    create_pdr(3, pdi=[ie(20, u8(CORE)), ue_address(True)], far=77), ie(9, ie(56, u16(9))),
                    ie(10, ie(108, u32(1)), ie(11, ie(42, u8(ACCESS)), ie(84))), b"\x00\x0e\x00\xff"):
            for body in (good + bad, bad + good, bad):
                answer = self.smf.modify(self.seid, body)
                self.assertNotEqual(fields(answer, 19)["value"], ACCEPTED, body.hex())
                self.assertEqual(self.through(self.downlink(b"the same flow"))["session"]["qfi"], QFI)
        self.check_honest()

    def test_lesson_11_filters_that_lie_about_their_length_or_say_nothing(self):
        text = b"permit out ip from any to assigned"
        for value in (u8(1) + u8(0) + u16(len(text) + 1) + text, u8(1) + u8(0) + u16(0xFFFF) + text, u8(1) + u8(0) + u16(0),
                      u8(1) + u8(0), u8(1), u8(0x1F) + u8(0) + u16(len(text)) + text,
                      u8(1) + u8(0) + u16(9) + b"permit in", u8(1) + u8(0) + u16(6) + b"\0\xff\n%s%", u8(1) + u8(0) +
                      u16(4000) + b"permit out 17 from any to assigned 1".ljust(4000, b","),
                      u8(1) + u8(0) + u16(37) + b"permit out 17 from any to 10.0.0.0/33"):
            for grouped in (0, 1, 5):  # the PDI may be longer than the PDR that has it, too
                body = bytearray(other_session(pdi=[ie(23, value)]))
                if grouped:
                    place = next(at for at, kind, _ in every_element(bytes(body)) if kind == 2)
                    struct.pack_into(">H", body, place + 2, struct.unpack_from(">H", body, place + 2)[0] + 256 * grouped)
                self.refused(bytes(body))
        self.check_honest()

    def test_octets_that_nobody_planned_cost_an_honest_flow_nothing(self):
        seed = random.SystemRandom().randrange(1 << 32)
        some = random.Random(seed)
        stranger = self.stage.upf.udp("127.0.0.66")
        self.addCleanup(stranger.close)
        establishment = other_session(pdi=[sdf("permit out 17 from any to assigned 5004"), rtp_extension(1)],
                                      more=create_urr(1, volume=1000))
        modification = update_qer(1, qfi=5) + create_far(3, CORE) + ie(15, ie(56, u16(2)))
        tunnel = g_pdu(self.teid, ip_packet("10.45.0.77", N6_SERVER, 5004, 6000, b"not its address"), 9)
        frame = self.link + ip_packet(N6_SERVER, OTHER_UE, 6000, 5004, bytes(40), surplus=lambda _head, _odd: bytes(24))
        with self.subTest(seed=seed):
            for number in range(MUTANTS):
                # The control plane's own: header and SEID stay, so that it does not end what is honest by name.
                kind, seid, body = some.choice(((ESTABLISH, 0, establishment), (MODIFY, 1 << 40, modification),
                                                (DELETE, 1 << 40, b"")))
                message = self.smf.message(kind, spoil(some, body), seid=seid)
                self.smf.socket.sendto(message, self.smf.upf)
                stranger.sendto(spoil(some, message), self.smf.upf)
                self.gnb.sendto(spoil(some, tunnel), (N3_UPF, 2152))
                self.wire.send(self.link[:12] + spoil(some, frame[12:])[:1400].ljust(48, b"\0"))
                while readable(self.smf.socket, 0):
                    self.clean_up(self.smf.take(1))
                if number % 100 == 0:
                    self.wait_and_clean()
                    packet = self.downlink(b"in between")
                    self.send_downlink(packet)
                    self.come_through(packet)
            self.wait_and_clean()
            self.check_honest()

    def come_through(self, packet):
        until = time.monotonic() + 5
        while time.monotonic() < until:
            if readable(self.gnb, 1) and self.gnb.recv(65535).endswith(packet):
                return
        self.fail("the honest packet did not come")

    def wait_and_clean(self):
        while (message := self.smf.take(0.1)) is not None:
            self.clean_up(message)

    def clean_up(self, message):
        """A mutant that is no worse than its parent is a session; it goes, so that the next one may be."""
        if message["type"] == ESTABLISH + 1 and fields(message, 19)["value"] == ACCEPTED:
            self.smf.socket.sendto(self.smf.message(DELETE, b"", seid=int(fields(message, 57)["seid"])), self.smf.upf)


def spoil(some, octets):
    """Some octets are others, or missing, or there twice."""
    out = bytearray(octets)
    for _ in range(some.randint(1, 4)):
        at = some.randrange(len(out) + 1)
        what = some.randrange(5)
        if what == 0:
            del out[at:at + some.randint(1, 8)]
        elif what == 1:
            out[at:at] = out[at - some.randint(0, 8):at]
        elif what == 2:
            out[at:at] = some.randbytes(some.randint(1, 8))
        elif at < len(out):
            out[at] = some.choice((0, 0xFF, 0x7F, 0x80, out[at] ^ 1 << some.randrange(8), some.randrange(256)))
    return bytes(out)


if __name__ == "__main__":
    need_namespaces()
    unittest.main()
