"""Captures and packets written from the formats' texts, independent of the program's own writer."""

import struct


def ones_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def rtp(sequence, timestamp, payload, marker=False, extension=b"", payload_type=96, ssrc=0x4C4F424F):
    first = 0x90 if extension else 0x80
    return struct.pack(">BBHII", first, (0x80 if marker else 0) | payload_type, sequence & 0xFFFF,
                       timestamp & 0xFFFFFFFF, ssrc) + extension + payload


def udp(user, source_port=4000, port=5004, v6=False, surplus=b""):
    length = 8 + len(user)
    if v6:
        source, destination = bytes.fromhex("20010db8" + "00" * 11 + "01"), bytes.fromhex("20010db8" + "00" * 11 + "02")
        pseudo = source + destination + struct.pack(">II", length, 17)
    else:
        source, destination = bytes([192, 0, 2, 1]), bytes([198, 51, 100, 2])
        pseudo = source + destination + struct.pack(">HH", 17, length)
    header = struct.pack(">HHHH", source_port, port, length, 0)
    checksum = 0xFFFF ^ ones_sum(pseudo + header + user) or 0xFFFF
    datagram = header[:6] + struct.pack(">H", checksum) + user + surplus
    if v6:
        return struct.pack(">IHBB", 6 << 28, len(datagram), 17, 64) + source + destination + datagram
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(datagram), 7, 0x4000, 64, 17, 0) + source + destination
    return header[:10] + struct.pack(">H", 0xFFFF ^ ones_sum(header)) + header[12:] + datagram


def surplus(user_length, options):
    """Pad where the UDP length is odd, OCS (RFC 9868 clause 9), options."""
    pad = b"\0" if user_length % 2 else b""
    length = len(pad) + 2 + len(options)
    ocs = 0xFFFF ^ ones_sum(struct.pack(">H", length) + b"\0\0" + options) or 0xFFFF
    return pad + struct.pack(">H", ocs) + options


def ethernet(packet, vlans=()):
    tags = b"".join(struct.pack(">HH", 0x8100, vlan) for vlan in vlans)
    kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    return bytes.fromhex("020000000002020000000001") + tags + struct.pack(">H", kind) + packet


def cooked(packet):
    return struct.pack(">HHH8sH", 0, 1, 6, b"\2\0\0\0\0\1", 0x86DD if packet[0] >> 4 == 6 else 0x0800) + packet


def cooked2(packet):
    return struct.pack(">HHIHBB8s", 0x86DD if packet[0] >> 4 == 6 else 0x0800, 0, 2, 1, 0, 6, b"\2\0\0\0\0\1") + packet


def pcap(frames, link=1, nano=False, order="<"):
    """`frames`: (seconds, fraction, bytes[, original length])."""
    out = struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)
    for seconds, fraction, frame, *original in frames:
        out += struct.pack(order + "IIII", seconds, fraction, len(frame), original[0] if original else len(frame)) + frame
    return out


def block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def option(order, code, value):
    return struct.pack(order + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def section(order):
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order, link, options=b""):
    return block(order, 1, struct.pack(order + "HHI", link, 0, 0) + options)


def enhanced(order, number, ticks, frame, options=b""):
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    return block(order, 6, head + frame + b"\0" * (-len(frame) % 4) + options)


def packets_of(data):
    """The packets of a classic little-endian capture."""
    at, found = 24, []
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        found.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return found


def pictures(count, packets=5, first=0, size=300):
    """RTP packets of H.264: pictures of so many packets, the first an IDR. The slices hold no video."""
    sequence = 1
    for picture in range(first, first + count):
        for number in range(packets):
            nal = bytes([0x65 if picture % 10 == 0 else 0x41, 0x9A if picture % 10 else 0xB8])
            payload = nal + bytes((picture * 7 + number + i) & 0xFF for i in range(size + number))
            yield picture, number == packets - 1, rtp(sequence, picture * 3000, payload, number == packets - 1)
            sequence += 1


def video(count=20, packets=5, wrap=ethernet, v6=False, size=300):
    """(seconds, microseconds, frame) of such pictures, 33 ms apart."""
    frames, number = [], 0
    for picture, _, user in pictures(count, packets, size=size):
        at = picture * 33333 + number % packets * 10
        frames.append((1000 + at // 1000000, at % 1000000, wrap(udp(user, v6=v6))))
        number += 1
    return frames
