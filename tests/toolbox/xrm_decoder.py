#!/usr/bin/env python3
"""A second reader of what Lobodon puts into packets, written from the texts alone: Ethernet to UDP,
UDP options (RFC 9868), RTP header extensions (RFC 8285, TS 26.522), XRM metadata clear and
protected (docs/xrm.md), GTP-U with its containers (TS 29.281, TS 38.415). It shares no code and no
table with src/, and speed is not its aim.

    xrm_decoder.py [--keys FILE] [--rtp-id N] [--kind N] [--exid HEX] CAPTURE

prints one JSON object a packet of a classic pcap file. FILE holds contexts as docs/xrm.md describes
them.
"""

import argparse
import json
import struct
import sys

from net_decoder import NAMES, number, read_ethernet, read_ip, read_options  # noqa: F401  (NAMES: for tests)

# ---- RTP -----------------------------------------------------------------------------------------

def read_rtp(data):
    if len(data) < 12:
        return {"rtp": "too_short"}
    if data[0] >> 6 != 2:
        return {"rtp": "version"}
    if 192 <= data[1] <= 223:
        return {"rtp": "rtcp"}
    csrc = data[0] & 15
    at = 12 + 4 * csrc
    if at > len(data):
        return {"rtp": "csrc_cut"}
    out = {"pt": data[1] & 127, "marker": data[1] >> 7, "sequence": number(data, 2, 2),
           "timestamp": number(data, 4, 4), "ssrc": number(data, 8, 4), "csrc": csrc, "form": "none",
           "elements": [], "damaged": False}
    if data[0] & 0x10:
        if len(data) < at + 4 or len(data) < at + 4 + 4 * number(data, at + 2, 2):
            return {"rtp": "extension_cut"}
        profile, length = number(data, at, 2), 4 * number(data, at + 2, 2)
        out["form"] = "one_byte" if profile == 0xBEDE else "two_byte" if profile >> 4 == 0x100 else "other"
        read_elements(data[at + 4:at + 4 + length], out)
        at += 4 + length
    end = len(data)
    if data[0] & 0x20:
        padding = data[-1] if at < end else 0
        if padding == 0 or padding > end - at:
            return {"rtp": "padding"}
        end -= padding
    return dict(out, rtp="it_is", payload=data[at:end])


def read_elements(data, out):
    if out["form"] == "other":
        return
    at = 0
    while at < len(data):
        if data[at] == 0:
            at += 1
            continue
        if out["form"] == "one_byte":
            name, length, header = data[at] >> 4, (data[at] & 15) + 1, 1
            if name in (0, 15):
                return
        else:
            name, length, header = data[at], data[at + 1] if at + 1 < len(data) else 0, 2
        if at + header + length > len(data):
            out["damaged"] = True
            return
        out["elements"].append((name, data[at + header:at + header + length]))
        at += header + length


def read_mandatory(data):
    word = number(data, 0, 3)
    return {"E": word >> 23 & 1, "D": word >> 20 & 1, "PSI": word >> 16 & 15, "PSSN": word >> 6 & 1023,
            "PSN": word & 63}


def read_optional(data, mark):
    """PSSize, NPDS or both, as the length says."""
    if len(data) in (3, 5):
        mark["PSSize"] = number(data, 0, 3)
    if len(data) in (2, 5):
        mark["NPDS"] = number(data, len(data) - 2, 2)
    return len(data) in (0, 2, 3, 5)


def read_rtp_mark(rtp, extension_id):
    """The mark, or the name of a reason."""
    if rtp["rtp"] != "it_is":
        return "not_rtp"
    if rtp["form"] not in ("one_byte", "two_byte"):
        return "no_extension"
    mark = None
    for name, value in rtp["elements"]:
        if name != extension_id:
            continue
        mark = read_mandatory(value)
        if len(value) < 3 or not read_optional(value[3:], mark):
            return "bad_value"
    return mark or ("damaged_extension" if rtp["damaged"] else "no_element")


# ---- XRM metadata --------------------------------------------------------------------------------

def read_xrm_clear(body):
    """Len_EM EM [Len_EO EO [Len_EN EN]]; the lengths count what follows them. None: malformed."""
    groups, at = [], 0
    while at < len(body) and len(groups) < 3:
        if at + 1 + body[at] > len(body):
            return None
        groups.append(body[at + 1:at + 1 + body[at]])
        at += 1 + body[at]
    if at != len(body) or not groups or len(groups[0]) != 3:
        return None
    groups += [b""] * (3 - len(groups))
    mark = read_mandatory(groups[0])
    extensions = groups[2]
    if not read_optional(groups[1], mark) or len(extensions) in (1, 4, 6):
        return None
    if len(extensions) in (3, 5) or len(extensions) >= 7:
        mark["BSize"] = number(extensions, 0, 3)
    if len(extensions) == 2:
        mark["TTNB"] = number(extensions, 0, 2)
    if len(extensions) >= 5:
        mark["TTNB"] = number(extensions, 3, 2)
    rest = extensions[5:]
    while rest:
        if len(rest) < 2 or len(rest) < 2 + rest[1]:
            return None
        if rest[0] == 1 and rest[1] == 2:
            mark.setdefault("PSN16", number(rest, 2, 2))  # of two, the first counts
        rest = rest[2 + rest[1]:]
    return mark


def read_keys(text):
    """KeyID -> context, from a key file (docs/xrm.md)."""
    contexts = {}
    for line in text.splitlines():
        words = line.split()
        if words and words[0] == "context":
            fields = dict(word.split("=", 1) for word in words[1:])
            contexts[int(fields["id"])] = dict(fields, tag=int(fields.get("tag", "16")))
    return contexts


def aead(context, nonce, text, aad):
    """Ciphertext and full tag."""
    from cryptography.hazmat.primitives.ciphers import aead as ciphers
    kind = ciphers.ChaCha20Poly1305 if context["alg"] == "chacha20-poly1305" else ciphers.AESGCM
    return kind(bytes.fromhex(context["key"])).encrypt(nonce, text, aad)


def open_xrm(body, contexts, udp_header):
    """The padded clear form inside a protected one, or the name of a reason. The tag is compared by
    making it again, since Python's ciphers take whole ones only."""
    if len(body) < 8 or body[0] & 0x60:
        return "version"
    context = contexts.get(body[1])
    if context is None:
        return "no_context"
    tag = 8 if body[0] & 0x10 else 16
    if tag < context.get("tag", 16):
        return "tag_length"
    sealed = body[8:len(body) - tag]
    if len(body) < 8 + 16 + tag or len(sealed) % 16:
        return "length"
    header = bytearray(udp_header)
    if context.get("bind", "full") == "length":
        header[0:4] = bytes(4)
        header[6:8] = bytes(2)
    mask = bytes(6) + body[2:8]
    nonce = bytes(a ^ b for a, b in zip(bytes.fromhex(context["iv"]), mask))
    stream = aead(context, nonce, bytes(len(sealed)), b"")[:len(sealed)]
    text = bytes(a ^ b for a, b in zip(sealed, stream))
    made = aead(context, nonce, text, bytes(header) + body[:8])[len(sealed):len(sealed) + tag]
    return text if made == body[len(body) - tag:] else "forged"


def read_padded(text):
    """The clear form, zero-padded: it ends behind its third group."""
    at = 0
    for _ in range(3):
        if at >= len(text):
            return None
        at += 1 + text[at]
    return None if at > len(text) or any(text[at:]) else read_xrm_clear(text[:at])


def read_xrm(body, contexts, udp_header):
    if not body:
        return {"form": "clear", "verdict": "malformed"}
    if not body[0] & 0x80:
        mark = read_xrm_clear(body)
        return {"form": "clear", "verdict": "ok" if mark else "malformed", "mark": mark}
    out = {"form": "protected", "key_id": body[1] if len(body) > 1 else None, "sid": number(body, 2, 2),
           "ctr": number(body, 4, 4)}
    text = open_xrm(body, contexts, udp_header)
    if isinstance(text, str):
        return dict(out, verdict=text, mark=None)
    mark = read_padded(text)
    return dict(out, verdict="ok" if mark else "malformed", mark=mark)


# ---- GTP-U ---------------------------------------------------------------------------------------

def read_gtpu(data):
    if len(data) < 8:
        return {"gtpu": "header_cut"}
    if data[0] >> 4 != 3:
        return {"gtpu": "version"}
    length = number(data, 2, 2)
    if 8 + length > len(data):
        return {"gtpu": "length"}
    data = data[:8 + length]
    out = {"gtpu": "it_is", "type": data[1], "teid": number(data, 4, 4), "extensions": []}
    at = 8
    if data[0] & 7:
        if length < 4:
            return {"gtpu": "length"}
        if data[0] & 2:
            out["sequence"] = number(data, 8, 2)
        at, following = 12, data[11] if data[0] & 4 else 0
        while following:
            if len(out["extensions"]) == 8:
                return {"gtpu": "too_many_extensions"}
            if at >= len(data):
                return {"gtpu": "extension_cut"}
            size = 4 * data[at]
            if size == 0:
                return {"gtpu": "extension_length"}
            if at + size > len(data):
                return {"gtpu": "extension_cut"}
            out["extensions"].append((following, data[at + 1:at + size - 1]))
            at += size
            following = data[at - 1]
    out["payload"] = data[at:]
    for kind, content in out["extensions"]:
        if kind == 0x85 and "session" not in out:
            out["session"] = read_session(content)
    for wanted in (0x04, 0x86):
        for kind, content in out["extensions"]:
            if kind == wanted and "set" not in out:
                out["set"] = read_set(content)
    return out


class Fields:
    """Takes numbers from the front; None once there are too few bytes."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        return number(self.data, self.at - count, count)

    def cut(self):
        return self.at > len(self.data)


def read_session(content):
    fields = Fields(content)
    first, second = fields.take(1), fields.take(1)
    if fields.cut():
        return "cut"
    out = {"direction": "DL" if first >> 4 == 0 else "UL", "qfi": second & 63}
    if first >> 4 == 1:
        return read_uplink(fields, first, second, out)
    if first >> 4 != 0:
        return "pdu_type"
    out["rqi"] = second >> 6 & 1
    third = fields.take(1) if second & 0x80 else 0
    if second & 0x80 and (not third & 3 or third >> 5):
        out["ppi"] = third >> 5
    for flag, octet, name, size in ((8, first, "sent", 8), (4, first, "qfi_sn", 3), (2, first, "mbs_qfi_sn", 4),
                                    (2, third, "BSize", 3), (1, third, "TTNB", 2)):
        if octet & flag:
            out[name] = fields.take(size)
    return "cut" if fields.cut() else out


def read_uplink(fields, first, second, out):
    if first & 8:
        out["stamps"] = [fields.take(8) for _ in range(3)]
    for flag, octet, name, size in ((4, first, "dl_delay", 4), (2, first, "ul_delay", 4), (1, first, "qfi_sn", 3),
                                    (0x80, second, "n3_n9_delay", 4)):
        if octet & flag:
            out[name] = fields.take(size)
    if second & 0x40:
        new = fields.take(1)
        if new & 0xE0:
            return "unknown_new_fields"
        for flag, name, size in ((1, "d1_ul_pdcp_delay", 1), (2, "ul_congestion", 2), (4, "dl_congestion", 2),
                                 (8, "ul_bitrate", 4), (16, "dl_bitrate", 4)):
            if new & flag:
                out[name] = fields.take(size)
    return "cut" if fields.cut() else out


def read_set(content):
    if len(content) < 5:
        return "cut"
    if content[0] >> 4:
        return "pdu_type"
    word = number(content, 1, 2)
    mark = {"E": content[0] >> 2 & 1, "D": content[0] >> 3 & 1, "PSI": content[3] & 15, "PSSN": word & 1023,
            "PSN": content[4] & 63}
    if content[0] & 2:
        if len(content) < 8:
            return "cut"
        mark["PSSize"] = number(content, 5, 3)
    return {"qfi": word >> 10, "mark": mark}


# ---- all of it -----------------------------------------------------------------------------------

def decode(frame, link="ethernet", contexts=None, rtp_id=1, kind=127, exid=0x5852):
    """Everything that this file knows of one packet; inside GTP-U as well, under "inner"."""
    packet = read_ethernet(frame) if link == "ethernet" else read_ip(frame)
    out = {"packet": packet, "surplus": {"verdict": "unreadable_datagram"}, "xrm": None, "rtp": None, "mark": None}
    if packet["unread"] != "nothing":
        return out
    user = packet["user"]
    odd = (packet["user_end"] - packet["transport_at"]) % 2 == 1
    out["surplus"] = read_options(packet["surplus"], odd, packet["udp_checksum"], user)
    for option in out["surplus"].get("options", ()):
        if option["kind"] != kind:
            continue
        body = option["value"]
        if kind == 127:
            if number(body, 0, 2) != exid:
                continue
            body = body[2:]
        out["xrm"] = read_xrm(body, contexts or {}, packet["udp_header"])
        break
    if packet["dport"] == 2152 or packet["sport"] == 2152:
        out["gtpu"] = read_gtpu(user)
        if out["gtpu"]["gtpu"] == "it_is" and out["gtpu"]["type"] == 255:
            out["inner"] = decode(out["gtpu"]["payload"], "raw", contexts, rtp_id, kind, exid)
        return out
    out["rtp"] = read_rtp(user)
    out["mark"] = read_rtp_mark(out["rtp"], rtp_id)
    return out


def read_pcap(data):
    """Frames of a classic pcap file and their link ("ethernet" or "raw")."""
    order = {0xA1B2C3D4: ">", 0xA1B23C4D: ">", 0xD4C3B2A1: "<", 0x4D3CB2A1: "<"}.get(number(data, 0, 4))
    if order is None:
        raise ValueError("not a classic pcap file")
    link = struct.unpack(order + "I", data[20:24])[0] & 0xFFFF
    name = {1: "ethernet", 101: "raw", 12: "raw", 228: "raw", 229: "raw"}[link]
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack(order + "I", data[at + 8:at + 12])[0]
        yield name, data[at + 16:at + 16 + length]
        at += 16 + length


def plain(value):
    """JSON has no bytes."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value


def main():
    arguments = argparse.ArgumentParser(description="prints what is in each packet of a pcap file as JSON")
    arguments.add_argument("--keys")
    arguments.add_argument("--rtp-id", type=int, default=1)
    arguments.add_argument("--kind", type=int, default=127)
    arguments.add_argument("--exid", type=lambda text: int(text, 16), default=0x5852)
    arguments.add_argument("capture")
    options = arguments.parse_args()
    contexts = {}
    if options.keys:
        with open(options.keys, encoding="utf-8") as text:
            contexts = read_keys(text.read())
    with open(options.capture, "rb") as capture:
        data = capture.read()
    for link, frame in read_pcap(data):
        print(json.dumps(plain(decode(frame, link, contexts, options.rtp_id, options.kind, options.exid))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
