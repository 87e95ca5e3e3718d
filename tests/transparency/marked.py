"""The packets of the matrix: datagrams with user data of a given size, marked by `lobo pcap mark`, and spoilt where a
wrong OCS is asked for."""

import dataclasses
import socket
import struct
import subprocess
import sys
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("e2e", "toolbox", "upf_live"):
    sys.path.insert(0, str(HERE.parent / folder))

import captures  # noqa: E402  (the paths above come first)
import harness  # noqa: E402
import xrm_decoder  # noqa: E402
from net import ones_sum  # noqa: E402

KEYS = """lobodon-xrm-keys 1
context id=7 alg=aes-128-gcm key=000102030405060708090a0b0c0d0e0f iv=a0a1a2a3a4a5a6a7a8a9aaab
"""
PORT = 5004
NONE, RIGHT, PROTECTED, WRONG = "no_option", "right_ocs", "protected", "wrong_ocs"


@dataclasses.dataclass(frozen=True)
class Kind:
    """What one cell of the matrix sends."""
    family: int  # 4 or 6
    octets: int  # of user data
    option: str = RIGHT
    checksum: bool = True  # of UDP

    def name(self):
        parity = "odd" if self.octets % 2 else "even"
        return f"ipv{self.family}_{parity}_{self.option}" + ("" if self.checksum else "_without_udp_checksum")


@dataclasses.dataclass(frozen=True)
class Sent:
    packet: bytes  # from the IP header on
    payload: bytes
    surplus: bytes

    @property
    def udp(self):
        """The UDP datagram and what is behind it."""
        return self.packet[20 if self.packet[0] >> 4 == 4 else 40:]


def datagram(source, destination, sport, user, checksum):
    """An IP packet of UDP, IPv4 with Don't Fragment or IPv6."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    addresses = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
    length = 8 + len(user)
    head = struct.pack(">HHHH", sport, PORT, length, 0)
    if checksum:
        check = ~ones_sum(addresses + struct.pack(">HH", 17, length) + head + user) & 0xFFFF or 0xFFFF
        head = head[:6] + struct.pack(">H", check)
    if family == socket.AF_INET6:
        return struct.pack(">IHBB", 6 << 28, length, 17, 64) + addresses + head + user
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, 0, 0x4000, 64, 17, 0) + addresses
    return ip[:10] + struct.pack(">H", ~ones_sum(ip) & 0xFFFF) + ip[12:] + head + user


class Maker:
    def __init__(self, folder):
        self.folder, self.sequence, self.counter = folder, 0, 0
        (folder / "keys").write_text(KEYS, encoding="ascii")
        (folder / "keys").chmod(0o600)

    def mark(self, packets, protected):
        """Each packet is a PDU Set of its own."""
        words = []
        if protected:
            words = ["--keys", str(self.folder / "keys"), "--first-counter", str(self.counter)]
            self.counter += len(packets)
        plain, marked = self.folder / "plain.pcap", self.folder / "marked.pcap"
        plain.write_bytes(captures.pcap([(1000, 33333 * number, captures.ethernet(packet))
                                         for number, packet in enumerate(packets)]))
        subprocess.run([harness.LOBO, "pcap", "mark", str(plain), "--carry", "udp-option", *words, "-o", str(marked)],
                       check=True, capture_output=True, timeout=60)
        return [frame[14:] for frame in captures.packets_of(marked.read_bytes())]

    def make(self, kind, source, destination, sport, count):
        """`count` packets of a kind, each unlike the others."""
        users = []
        for _ in range(count):
            self.sequence += 1
            body = bytes((self.sequence * 31 + i) & 255 for i in range(kind.octets - 13))
            users.append(captures.rtp(self.sequence, 3000 * self.sequence, b"\x65" + body, marker=True))
        packets = [datagram(source, destination, sport, user, kind.checksum) for user in users]
        made = self.mark(packets, kind.option == PROTECTED) if kind.option != NONE else packets
        if len(made) != count:
            raise AssertionError(f"{count} packets became {len(made)}")
        sent = []
        for plain, packet, user in zip(packets, made, users):
            surplus = packet[len(plain):]
            if kind.option == WRONG:
                at = len(user) % 2  # behind the pad
                surplus = surplus[:at] + bytes([surplus[at] ^ 0x10]) + surplus[at + 1:]
                packet = packet[:len(plain)] + surplus
            sent.append(Sent(packet, user, surplus))
        return sent


def verdict(packet):
    """What the second reader says of the surplus area."""
    return xrm_decoder.decode(captures.ethernet(packet))["surplus"]["verdict"]


__all__ = ["Kind", "Maker", "NONE", "PORT", "PROTECTED", "RIGHT", "Sent", "WRONG", "harness", "verdict"]
