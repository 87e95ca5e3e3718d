#!/usr/bin/env python3
"""What an unmodified Linux does with packets that have UDP options: server, router and UE, each way of sending, with
and without an option, with a right and a wrong OCS, odd and even, IPv4 and IPv6. The packets are made by
`lobo pcap mark`; what has to become of them is written here by hand, row by row (docs/xrm.md has the table)."""

import collections
import errno
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

import marked
from marked import NONE, PORT, PROTECTED, RIGHT, WRONG, Kind
from lab import AF_PACKET, HDRINCL, RAW, ROUTER, ROUTER_BEHIND, SERVER, UE, Lab, to_the_port
from net import PATIENCE, need_namespaces, readable

COUNT = 3
ODD, EVEN = 101, 102
LONG_ODD, LONG_EVEN = 2601, 2600
UDP_SEGMENT = 103

# The length of the IPv4 packet by the octets of user data and the option; IPv6 has 20 more. A clear option has 20
# octets, a protected one 44; OCS 2; a pad where the user data is odd.
IP_LENGTH = {
    (ODD, NONE): 129, (ODD, RIGHT): 152, (ODD, PROTECTED): 176, (ODD, WRONG): 152,
    (EVEN, NONE): 130, (EVEN, RIGHT): 152, (EVEN, PROTECTED): 176, (EVEN, WRONG): 152,
    (LONG_ODD, NONE): 2629, (LONG_ODD, RIGHT): 2652, (LONG_ODD, PROTECTED): 2676,
    (LONG_EVEN, NONE): 2628, (LONG_EVEN, RIGHT): 2650, (LONG_EVEN, PROTECTED): 2674,
}


def ip_length(kind):
    return IP_LENGTH[kind.octets, kind.option] + (20 if kind.family == 6 else 0)


def without_way(packet):
    """A packet without what each router changes, and what a kernel that makes the header chooses: identification,
    hop limit, header checksum, flow label."""
    if packet[0] >> 4 == 4:
        return packet[2:4] + packet[9:10] + packet[12:]
    return packet[4:7] + packet[8:]


class Row(unittest.TestCase):
    """One row of the table, cell by cell."""
    RULES = None  # for nft
    tried = 0

    @classmethod
    def setUpClass(cls):
        if cls is Row:
            raise unittest.SkipTest("not a row")
        if cls.RULES is not None and not shutil.which("nft"):
            raise unittest.SkipTest("nft is not installed (nftables)")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="lobo-transparency-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.maker = marked.Maker(cls.folder)
        cls.lab = Lab()
        cls.addClassCleanup(cls.lab.end)
        cls.port = 20000
        if cls.RULES is not None:
            cls.lab.nft(cls.RULES)
        cls.arrange()

    @classmethod
    def arrange(cls):
        pass

    def each(self, ways, kinds_of_row):
        for way in ways:
            for kind in kinds_of_row:
                with self.subTest(f"{kind.name()} by {way}"):
                    Row.tried += 1
                    self.cell(way, kind)

    def packets(self, kind, destination=None, count=COUNT):
        """Of a new flow: its port is no other cell's."""
        type(self).port += 1
        destination = destination or UE[kind.family]
        sent = self.maker.make(kind, SERVER[kind.family], destination, self.port, count)
        for one in sent:
            self.assertEqual(len(one.packet), ip_length(kind))
            right = {NONE: "no_surplus", WRONG: "checksum_wrong"}.get(kind.option, "accepted")
            self.assertEqual(marked.verdict(one.packet), right)
        return sent

    def counted(self, before):
        return {name: count - before.get(name, 0) for name, count in self.lab.counters().items()
                if count != before.get(name, 0)}

    def check_delivered(self, kind, sent, seen, source=None):
        """An ordinary socket gets what was sent, and nobody complains; who looks at whole packets sees the surplus."""
        source = source or SERVER[kind.family]
        self.assertEqual(seen.datagrams, [(one.payload, source) for one in sent])
        self.assertEqual(seen.errors, (0, 0))
        self.assertEqual([len(one) for one in seen.raw],
                         [ip_length(kind) - (40 if kind.family == 6 else 0)] * len(sent))
        for one, raw in zip(sent, seen.raw):
            self.assertTrue(raw.endswith(one.payload + one.surplus))


def kinds(*options, octets=(ODD, EVEN), without_checksum=True):
    """IPv4 and IPv6, odd and even; IPv4 without UDP checksum too."""
    found = [Kind(family, size, option) for family in (4, 6) for size in octets for option in options]
    if without_checksum:
        found += [Kind(4, size, option, checksum=False) for size in octets for option in options]
    return found


class Forwarding(Row):
    """The router passes packets on unchanged, whatever the surplus area is worth; the receiver does not notice it."""

    def test_a_router_passes_a_surplus_area_on_and_the_receiver_does_not_notice_it(self):
        self.each((HDRINCL, RAW, AF_PACKET), kinds(NONE, RIGHT, PROTECTED, WRONG))

    def cell(self, way, kind):
        sent = self.packets(kind)
        with self.lab.looking(kind.family) as seen:
            self.lab.send(way, kind.family, UE[kind.family], sent)
        self.check_delivered(kind, sent, seen)
        self.assertEqual([without_way(one) for one in seen.frames], [without_way(one.packet) for one in sent])


class Ipv6WithoutChecksum(Row):
    """RFC 8200 clause 8.1: such a datagram is dropped by its receiver, with an option as without."""

    def test_ipv6_without_a_checksum_is_dropped_by_its_receiver_with_an_option_as_without(self):
        self.each((AF_PACKET,), [Kind(6, size, option, checksum=False) for size in (ODD, EVEN)
                                 for option in (NONE, RIGHT, WRONG)])

    def cell(self, way, kind):
        sent = self.packets(kind)
        with self.lab.looking(6) as seen:
            self.lab.send(way, 6, UE[6], sent)
        self.assertEqual(seen.datagrams, [])
        self.assertEqual([without_way(one) for one in seen.frames], [without_way(one.packet) for one in sent])


class Fragments(Row):
    """More than the MTU, cut by the sender's kernel: put together at the UE, surplus area included."""

    def test_fragments_are_put_together_with_their_surplus_area(self):
        self.each((RAW,), kinds(NONE, RIGHT, PROTECTED, octets=(LONG_ODD, LONG_EVEN)))

    def cell(self, way, kind):
        sent = self.packets(kind)
        with self.lab.looking(kind.family) as seen:
            self.lab.send(way, kind.family, UE[kind.family], sent)
        self.check_delivered(kind, sent, seen)
        self.assertEqual(len(seen.frames), 2 * COUNT)
        self.assertLessEqual(max(map(len, seen.frames)), 1500)


class FirewallLengths(Row):
    """nft tells the length of UDP, which is 109 or 110, from that of IP: nothing is cut off on the way."""
    RULES = """table inet lab {
      counter udp109 {}
      counter udp110 {}
      counter ip129 {}
      counter ip130 {}
      counter ip152 {}
      counter ip176 {}
      chain passing { type filter hook forward priority filter; policy accept;
        udp dport 5004 udp length 109 counter name udp109
        udp dport 5004 udp length 110 counter name udp110
        udp dport 5004 ip length 129 counter name ip129
        udp dport 5004 ip length 130 counter name ip130
        udp dport 5004 ip length 152 counter name ip152
        udp dport 5004 ip length 176 counter name ip176
        udp dport 5004 ip6 length 109 counter name ip129
        udp dport 5004 ip6 length 110 counter name ip130
        udp dport 5004 ip6 length 132 counter name ip152
        udp dport 5004 ip6 length 156 counter name ip176
      }
    }"""

    def test_a_firewall_tells_the_length_of_udp_from_that_of_ip(self):
        self.each((AF_PACKET,), kinds(NONE, RIGHT, PROTECTED, without_checksum=False))

    def cell(self, way, kind):
        before = self.lab.counters()
        sent = self.packets(kind)
        with self.lab.looking(kind.family) as seen:
            self.lab.send(way, kind.family, UE[kind.family], sent)
        self.check_delivered(kind, sent, seen)
        udp = {ODD: "udp109", EVEN: "udp110"}[kind.octets]
        whole = {NONE: {ODD: "ip129", EVEN: "ip130"}[kind.octets], RIGHT: "ip152", PROTECTED: "ip176"}[kind.option]
        self.assertEqual(self.counted(before), {udp: COUNT, whole: COUNT})


TRACKING = """table inet lab {
  counter new {}
  counter established {}
  counter invalid {}
  chain coming { type filter hook prerouting priority filter; policy accept;
    udp dport 5004 ct state new counter name new
    udp dport 5004 ct state established counter name established
    udp dport 5004 ct state invalid counter name invalid
  }
}"""


class Tracked(Row):
    """The router follows connections; checksum verification as it is by default."""
    RULES = TRACKING
    VERIFIED = "1"

    @classmethod
    def arrange(cls):
        if not cls.lab.setting("netfilter/nf_conntrack_checksum", cls.VERIFIED):
            raise unittest.SkipTest("nf_conntrack_checksum cannot be set here")

    def with_an_answer(self, way, kind):
        """The first packet is answered by the UE before the others leave."""
        before = self.lab.counters()
        sent = self.packets(kind)
        absorber = self.lab.udp(self.lab.server, kind.family, self.port)  # owns the port, as a real sender does
        with self.lab.looking(kind.family) as seen:
            self.lab.send(way, kind.family, UE[kind.family], sent[:1])
            data, source = self.lab.receivers[kind.family].recvfrom(65535)
            self.assertEqual((data, source[:2]), (sent[0].payload, (SERVER[kind.family], self.port)))
            self.lab.receivers[kind.family].sendto(b"answer", source)
            self.assertEqual(absorber.recv(100), b"answer")
            self.lab.send(way, kind.family, UE[kind.family], sent[1:])
        seen.datagrams.insert(0, (data, source[0]))
        self.check_delivered(kind, sent, seen)
        return self.counted(before)


class TrackedConnections(Tracked):
    """A right OCS makes the checksum over the whole IP payload that of the datagram: the flow is an ordinary one."""

    def test_a_flow_with_a_right_ocs_is_an_ordinary_one_to_connection_tracking(self):
        self.each((AF_PACKET,), kinds(NONE, RIGHT, PROTECTED))

    def cell(self, way, kind):
        self.assertEqual(self.with_an_answer(way, kind), {"new": 1, "established": COUNT - 1})


class TrackedWithAWrongOcs(Tracked):
    """Every packet is invalid; a plain router passes them on nevertheless."""

    def test_packets_with_a_wrong_ocs_are_invalid_to_connection_tracking_and_still_forwarded(self):
        self.each((AF_PACKET,), kinds(WRONG, without_checksum=False))

    def cell(self, way, kind):
        before = self.lab.counters()
        sent = self.packets(kind)
        with self.lab.looking(kind.family) as seen:
            self.lab.send(way, kind.family, UE[kind.family], sent)
        self.check_delivered(kind, sent, seen)
        self.assertEqual(self.counted(before), {"invalid": COUNT})


class TrackedWithoutVerification(Tracked):
    """nf_conntrack_checksum=0: a wrong OCS is as good as a right one."""
    VERIFIED = "0"

    def test_without_verification_a_wrong_ocs_is_as_good_as_a_right_one(self):
        self.each((AF_PACKET,), kinds(WRONG, without_checksum=False))

    def cell(self, way, kind):
        self.assertEqual(self.with_an_answer(way, kind), {"new": 1, "established": COUNT - 1})


class SourceTranslated(Row):
    """Masquerade: the receiver sees the router's address, and the option as it was: OCS covers no address."""
    RULES = """table inet lab {
      chain leaving { type nat hook postrouting priority srcnat; policy accept;
        udp dport 5004 oifname "out" masquerade
      }
    }"""

    def test_masquerade_leaves_the_option_as_it_was(self):
        self.each((AF_PACKET,), kinds(NONE, RIGHT, PROTECTED))

    def cell(self, way, kind):
        sent = self.packets(kind)
        with self.lab.looking(kind.family) as seen:
            self.lab.send(way, kind.family, UE[kind.family], sent)
        self.check_delivered(kind, sent, seen, ROUTER_BEHIND[kind.family])
        check_translated(self, kind, sent, seen)


def check_translated(case, kind, sent, seen):
    case.assertEqual([len(one) for one in seen.frames], [ip_length(kind)] * COUNT)
    for one, frame in zip(sent, seen.frames):
        case.assertTrue(frame.endswith(one.payload + one.surplus))
        case.assertEqual(marked.verdict(frame), "no_surplus" if kind.option == NONE else "accepted")


class DestinationTranslated(Row):
    """DNAT: sent to the router, which has it for the UE."""
    RULES = f"""table inet lab {{
      counter passed_on {{}}
      chain coming {{ type nat hook prerouting priority dstnat; policy accept;
        ip daddr {ROUTER[4]} udp dport 5004 dnat ip to {UE[4]}
        ip6 daddr {ROUTER[6]} udp dport 5004 dnat ip6 to {UE[6]}
      }}
      chain passing {{ type filter hook forward priority filter; policy accept;
        udp dport 5004 counter name passed_on
      }}
    }}"""

    def pass_on(self, way, kind):
        before = self.lab.counters()
        sent = self.packets(kind, ROUTER[kind.family])
        with self.lab.looking(kind.family) as seen:
            self.lab.send(way, kind.family, ROUTER[kind.family], sent)
        return sent, seen, self.counted(before)


class DestinationTranslatedWithARightOcs(DestinationTranslated):
    """Delivered, with the option intact."""

    def test_a_right_ocs_is_delivered_through_dnat_with_its_option(self):
        self.each((AF_PACKET,), kinds(NONE, RIGHT, PROTECTED))

    def cell(self, way, kind):
        sent, seen, counted = self.pass_on(way, kind)
        self.check_delivered(kind, sent, seen)
        check_translated(self, kind, sent, seen)
        self.assertEqual(counted, {"passed_on": COUNT})


class DestinationTranslatedWithAWrongOcs(DestinationTranslated):
    """None of three is delivered or ever translated: a wrong OCS costs the media, not the option alone."""

    def test_a_wrong_ocs_is_not_delivered_through_dnat(self):
        self.each((AF_PACKET,), kinds(WRONG, without_checksum=False))

    def cell(self, way, kind):
        _, seen, counted = self.pass_on(way, kind)
        self.assertEqual((seen.datagrams, seen.frames, counted), ([], [], {}))


class Aggregation(Row):
    """GRO with forwarding of what it made: datagrams without an option are joined, those with one never."""
    TOGETHER = 64
    TRIES = 8

    @classmethod
    def arrange(cls):
        if not shutil.which("ethtool"):
            raise unittest.SkipTest("ethtool is not installed")
        with cls.lab.router.inside():
            done = subprocess.run(["ethtool", "-K", "in", "gro", "on", "rx-udp-gro-forwarding", "on"],
                                  capture_output=True, text=True)
            if done.returncode:
                raise unittest.SkipTest(f"no rx-udp-gro-forwarding here: {done.stderr.strip()}")
            # The view of /sys that this process has is of another namespace.
            subprocess.run(["unshare", "-m", "sh", "-c", "mount -t sysfs none /sys && cd /sys/class/net/in && "
                            "echo 1 > threaded && echo 2000000 > gro_flush_timeout && echo 2 > napi_defer_hard_irqs"],
                           capture_output=True)
        cls.inside = cls.lab.keep(cls.lab.router.frames("in"))

    def together(self, kind):
        """The sizes of IP packets that the router sees of 64 datagrams sent back to back; all are delivered."""
        sent = self.maker.make(kind, SERVER[kind.family], UE[kind.family], self.port, self.TOGETHER)
        for one in (self.inside, self.lab.receivers[kind.family]):
            self.lab.drain(one)
        self.lab.send(AF_PACKET, kind.family, UE[kind.family], sent)
        arrived = []
        while len(arrived) < self.TOGETHER and readable(self.lab.receivers[kind.family], PATIENCE):
            arrived.append(self.lab.receivers[kind.family].recv(65535))
        self.assertEqual(collections.Counter(arrived), collections.Counter(one.payload for one in sent))
        return [len(data) - 14 for data, where in self.lab.drain(self.inside)
                if where[2] != socket.PACKET_OUTGOING and to_the_port(data)]

    def test_gro_joins_datagrams_without_an_option_and_never_those_with_one(self):
        self.each((AF_PACKET,), [Kind(family, size, option) for family in (4, 6) for size in (999, 1000)
                                 for option in (RIGHT, PROTECTED)])

    def cell(self, _way, kind):
        bare = Kind(kind.family, kind.octets, NONE)
        if not any(len(self.together(bare)) < self.TOGETHER for _ in range(self.TRIES)):
            self.skipTest(f"this kernel joins no datagrams of IPv{kind.family}: nothing to compare with")
        whole = {RIGHT: 1050, PROTECTED: 1074}[kind.option] + (20 if kind.family == 6 else 0)  # odd ones have a pad
        for _ in range(self.TRIES):
            self.assertEqual(self.together(kind), [whole] * self.TOGETHER)


class Segmentation(Row):
    """UDP_SEGMENT cuts one long send into datagrams, of which none can have a surplus area."""

    def check_segments(self, family):
        out = self.lab.udp(self.lab.server, family, 0)
        out.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
        data = bytes(i & 255 for i in range(8000))
        with self.lab.looking(family) as seen:
            out.sendto(data, (UE[family], PORT))
        pieces = [data[at:at + 1000] for at in range(0, 8000, 1000)]
        self.assertEqual(seen.datagrams, [(piece, SERVER[family]) for piece in pieces])

    def test_works_over_ipv4_without_an_option(self):
        self.check_segments(4)

    def test_works_over_ipv6_without_an_option(self):
        self.check_segments(6)

    def test_is_refused_by_the_sockets_that_can_send_an_option(self):
        for family in (4, 6):
            raw = self.lab.socket(self.lab.server, family, socket.SOCK_RAW, 17)
            with self.assertRaises(OSError) as refused:
                raw.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
            self.assertEqual(refused.exception.errno, errno.ENOPROTOOPT)


def load_tests(loader, _tests, _pattern):
    """The rows, and not what they have in common."""
    rows = (Forwarding, Ipv6WithoutChecksum, Fragments, FirewallLengths, TrackedConnections, TrackedWithAWrongOcs,
            TrackedWithoutVerification, SourceTranslated, DestinationTranslatedWithARightOcs,
            DestinationTranslatedWithAWrongOcs, Aggregation, Segmentation)
    return unittest.TestSuite(loader.loadTestsFromTestCase(row) for row in rows)


if __name__ == "__main__":
    need_namespaces()
    run = unittest.main(exit=False).result
    for cell, why in run.skipped:
        print(f"skipped: {cell}: {why}")
    print(f"{Row.tried} cells, {len(run.skipped)} skipped")
    sys.exit(0 if run.wasSuccessful() else 1)
