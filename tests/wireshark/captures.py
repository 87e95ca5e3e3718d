"""Captures for the dissector's tests, put together from the texts of the formats and from the vectors
of tests/golden/; nothing here comes out of src/."""

import pathlib
import struct

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"


def ones_sum(data):
    data = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def ipv4(payload, source="0a000001", destination="0a000002", flags=0x4000, identification=1):
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), identification, flags, 64, 17, 0) + \
        bytes.fromhex(source + destination)
    return head[:10] + struct.pack(">H", ones_sum(head) ^ 0xFFFF) + head[12:] + payload


def ipv6(payload):
    return struct.pack(">IHBB", 0x60000000, len(payload), 17, 64) + bytes.fromhex(
        "20010db8000000000000000000000001" "20010db8000000000000000000000002") + payload


def udp(data, options=None, sport=4000, dport=5004, checksum=None, six=False, damaged=False):
    """UDP with the right checksum (or the one given) and, with options, a surplus area."""
    length = 8 + len(data)
    head = struct.pack(">HHHH", sport, dport, length, 0)
    if checksum is None:
        pseudo = bytes.fromhex("20010db8000000000000000000000001" "20010db8000000000000000000000002" if six else
                               "0a0000010a000002")
        checksum = ones_sum(pseudo + struct.pack(">HH", 17, length) + head + data) ^ 0xFFFF or 0xFFFF
    out = head[:6] + struct.pack(">H", checksum) + data
    if options is None:
        return out
    pad = b"\0" * (length % 2)
    words = b"\0\0" + options
    total = ones_sum(words + b"\0" * (len(words) % 2) + struct.pack(">H", len(pad) + len(words)))
    ocs = (total ^ 0xFFFF or 0xFFFF) ^ (1 if damaged else 0)
    return out + pad + struct.pack(">H", ocs) + options


def rtp(sequence, element=b"", payload=b"\x5a" * 40, ssrc=1):
    if not element:
        return struct.pack(">BBHII", 0x80, 96, sequence, 1000, ssrc) + payload
    body = bytes([0x10 | (len(element) - 1)]) + element
    body += b"\0" * (-len(body) % 4)
    return struct.pack(">BBHII", 0x90, 96, sequence, 1000, ssrc) + struct.pack(">HH", 0xBEDE, len(body) // 4) + \
        body + payload


def mandatory(e, d, psi, pssn, psn):
    return (e << 23 | d << 20 | psi << 16 | pssn << 6 | psn).to_bytes(3, "big")


def xrm_clear(e, d, psi, pssn, psn, size=None, npds=None):
    """EXP with ExID 5852; no group for Rel-19."""
    optional = (b"" if size is None else size.to_bytes(3, "big")) + (b"" if npds is None else npds.to_bytes(2, "big"))
    body = b"\x03" + mandatory(e, d, psi, pssn, psn) + bytes([len(optional)]) + optional + b"\0"
    return bytes([127, 4 + len(body)]) + b"\x58\x52" + body


def gtpu(inner, containers, teid=1):
    chain = b""
    for kind, content in containers:
        content += b"\0" * (-(len(content) + 2) % 4)
        chain += bytes([kind, (len(content) + 2) // 4]) + content
    body = b"\0\0\0" + chain + b"\0" + inner
    return struct.pack(">BBHI", 0x34, 255, len(body), teid) + body


def set_container(qfi, e, d, psi, pssn, psn, size=None):
    first = d << 3 | e << 2 | (2 if size is not None else 0)
    return struct.pack(">BHBB", first, qfi << 10 | pssn, psi, psn) + (b"" if size is None else size.to_bytes(3, "big"))


def pcap(packets):
    """Link type 101: bare IP packets, a second apart."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for number, packet in enumerate(packets):
        out += struct.pack("<IIII", 1_700_000_000 + number, 0, len(packet), len(packet)) + packet
    return out


def vectors(codec):
    for path in sorted((GOLDEN / codec).glob("*.hex")):
        text = "".join(line.split("#")[0] for line in path.read_text().splitlines())
        lines = [line for line in path.with_suffix(".txt").read_text().splitlines() if line[:1] != "#"]
        yield path.stem, bytes.fromhex("".join(text.split())), lines


def clear_sets():
    """Two sets of three PDUs, then one without its second PDU, one with a wrong size and number, and a set
    that is missing altogether; each IP packet has 85 bytes."""
    packets = []

    def pdu(pssn, psn, last, size=None, npds=3):
        data = rtp(len(packets), payload=b"\x5a" * 28)
        packets.append(ipv4(udp(data, xrm_clear(last, 0, 1 + pssn % 3, pssn, psn, size, npds))))

    one = len(ipv4(udp(rtp(0, payload=b"\x5a" * 28), xrm_clear(0, 0, 1, 0, 0, 0, 3))))
    for pssn in (1022, 1023):
        for psn in range(3):
            pdu(pssn, psn, psn == 2, 3 * one)
    pdu(0, 0, False, 3 * one)
    pdu(0, 2, True, 3 * one)
    for psn in range(3):
        pdu(1, psn, psn == 2, 3 * one + 1, 4)
    pdu(3, 0, True, one, 1)
    return packets


def everywhere():
    """One marked datagram over IPv4, IPv6, in IP fragments, inside GTP-U, with a damaged OCS, with an odd
    length, and without options."""
    data, option = b"\x5a" * 40, xrm_clear(1, 1, 2, 341, 42, 30000, 25)
    whole = udp(data, option)
    first, rest = whole[:32], whole[32:]
    inner = ipv4(whole)
    return [
        inner, ipv6(udp(data, option, six=True)),
        ipv4(first, flags=0x2000, identification=7), ipv4(rest, flags=len(first) // 8, identification=7),
        ipv4(udp(gtpu(inner, [(0x85, bytes.fromhex("0089030186a000a7")),
                              (0x04, set_container(9, 1, 1, 2, 341, 42, 29976))]), sport=2152, dport=2152)),
        ipv4(udp(gtpu(inner, [(0x86, set_container(9, 0, 0, 15, 342, 0))], teid=2), sport=2152, dport=2152)),
        ipv4(udp(data, option, damaged=True)), ipv4(udp(data + b"!", option)), ipv4(udp(data)),
    ]


def rtp_extensions():
    """The four lengths of the marking in the one-byte form, then a PDU that is missing."""
    marks = [mandatory(0, 0, 1, 5, 0), mandatory(0, 0, 1, 5, 1) + b"\0\x04", mandatory(0, 0, 1, 5, 2) + b"\0\x01\x00",
             mandatory(1, 0, 1, 5, 3) + b"\0\0\0\0\0", mandatory(1, 0, 9, 6, 1)]
    return [ipv4(udp(rtp(number, mark))) for number, mark in enumerate(marks)]


def two_streams(carry):
    """Two RTP streams between the same ports, each of which counts its own sets: three of two PDUs from 0
    on, and six of one from 100 on."""
    packets = []
    for pssn in range(3):
        for ssrc, sets in ((1, [(pssn, 0, 0), (pssn, 1, 1)]), (2, [(2 * pssn + 100, 0, 1), (2 * pssn + 101, 0, 1)])):
            for number, psn, last in sets:
                element = mandatory(last, 0, 1, number, psn) if carry == "rtp" else b""
                data = rtp(len(packets), element, ssrc=ssrc)
                packet = ipv4(udp(data, xrm_clear(last, 0, 1, number, psn) if carry == "option" else None))
                if carry == "gtpu":
                    container = set_container(9, last, 0, 1, number, psn)
                    packet = ipv4(udp(gtpu(packet, [(0x04, container)]), sport=2152, dport=2152))
                packets.append(packet)
    return packets


def protected():
    """The vectors of the protected form, each with the UDP header that it was sealed under, and the first
    of them again."""
    names, packets, keys = [], [], {}
    for name, option, lines in vectors("xrm"):
        says = dict(line.split(" ", 1) for line in lines if " " in line)
        if says.get("form") != "protected" or "udp" not in says or says.get("kind") != "127":
            continue
        header = bytes.fromhex(says["udp"])
        data = b"\x5a" * (int.from_bytes(header[4:6], "big") - 8)
        packets.append(ipv4(udp(data, option, int.from_bytes(header[:2], "big"), int.from_bytes(header[2:4], "big"),
                                int.from_bytes(header[6:8], "big"))))
        names.append((name, says))
        keys[name] = says
    return names, packets
