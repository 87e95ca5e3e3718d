"""Markings written from the texts: an RTP header extension (RFC 8285, TS 26.522 annex D), and the XRM
UDP option clear and protected (docs/xrm.md, RFC 9868)."""

import struct

from net import ones_sum

RTP_EXTENSION = 3


def mandatory(mark):
    word = mark["E"] << 23 | mark["D"] << 20 | mark["PSI"] << 16 | mark["PSSN"] << 6 | mark["PSN"]
    return word.to_bytes(3, "big")


def sizes(mark):
    return mark["PSSize"].to_bytes(3, "big") + mark["NPDS"].to_bytes(2, "big")


def rtp(sequence, mark, payload):
    """An RTP packet with a one-byte extension, PSSize and NPDS included."""
    value = mandatory(mark) + sizes(mark)
    element = bytes([RTP_EXTENSION << 4 | (len(value) - 1)]) + value
    element += bytes(-len(element) % 4)
    fixed = struct.pack(">BBHII", 0x90, 96, sequence, 90 * sequence, 0x10B0)
    return fixed + struct.pack(">HH", 0xBEDE, len(element) // 4) + element + payload


def clear_body(mark):
    dynamic = mark["BSize"].to_bytes(3, "big") + mark["TTNB"].to_bytes(2, "big")
    return b"\3" + mandatory(mark) + b"\5" + sizes(mark) + b"\5" + dynamic


def option_area(body, odd):
    """Pad, OCS, the option as an experiment of ExID 0x5852, end of list."""
    options = struct.pack(">BBH", 127, 4 + len(body), 0x5852) + body + b"\0"
    pad = b"\0" if odd else b""
    area = b"\0\0" + options
    total = ones_sum(area) + len(pad) + len(area)
    check = ~(total + (total >> 16)) & 0xFFFF or 0xFFFF
    return pad + struct.pack(">H", check) + options


def clear_option(mark):
    return lambda _head, odd: option_area(clear_body(mark), odd)


def protected_option(mark, context, counter, sender=1):
    """`context`: id, key and iv as octets; AES-128-GCM with a whole tag."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    def make(head, odd):
        fixed = struct.pack(">BBHI", 0x80, context["id"], sender, counter)
        nonce = bytes(a ^ b for a, b in zip(context["iv"], bytes(6) + fixed[2:]))
        body = clear_body(mark)
        sealed = AESGCM(context["key"]).encrypt(nonce, body + bytes(-len(body) % 16), head + fixed)
        return option_area(fixed + sealed, odd)
    return make


def key_file(*contexts):
    lines = [f"context id={c['id']} alg=aes-128-gcm key={c['key'].hex()} iv={c['iv'].hex()}" for c in contexts]
    return "\n".join(["lobodon-xrm-keys 1", *lines, ""])
