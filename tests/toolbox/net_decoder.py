"""The lower half of the second reader (xrm_decoder.py): Ethernet to UDP, and UDP options (RFC 9868).
Written from the texts alone."""

import ipaddress
import struct

NAMES = {0: "EOL", 1: "NOP", 2: "APC", 3: "FRAG", 4: "MDS", 5: "MRDS", 6: "REQ", 7: "RES", 8: "TIME",
         9: "AUTH", 127: "EXP", 192: "UCMP", 193: "UENC", 254: "UEXP"}
EXTENSION_HEADERS = {0, 43, 44, 51, 60, 135, 139, 140}


def number(data, at, count):
    return int.from_bytes(data[at:at + count], "big")


def ones_sum(data):
    """RFC 1071: the sum of the 16-bit words, carries brought back in."""
    if len(data) % 2:
        data = bytes(data) + b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


# ---- link and IP ---------------------------------------------------------------------------------

def read_ethernet(frame):
    if len(frame) < 14:
        return {"unread": "link_header_cut"}
    at, kind, tags = 14, number(frame, 12, 2), 0
    while kind in (0x8100, 0x88A8):
        if tags == 4:
            return {"unread": "too_many_vlan_tags"}
        if len(frame) < at + 4:
            return {"unread": "link_header_cut"}
        kind, at, tags = number(frame, at + 2, 2), at + 4, tags + 1
    if kind not in (0x0800, 0x86DD):
        return {"unread": "not_ip"}
    return read_ip(frame, at, tags)


def read_ip(frame, at=0, tags=0):
    if len(frame) <= at:
        return {"unread": "ip_header_cut"}
    version = frame[at] >> 4
    out = {"vlan_tags": tags, "ip_at": at, "fragment": None}
    if version == 4:
        return read_ipv4(frame, at, out)
    if version == 6:
        return read_ipv6(frame, at, out)
    return {"unread": "not_ip"}


def read_ipv4(frame, at, out):
    if len(frame) < at + 20:
        return {"unread": "ip_header_cut"}
    header, total = (frame[at] & 15) * 4, number(frame, at + 2, 2)
    if header < 20 or total < header:
        return {"unread": "ip_header_length"}
    if len(frame) < at + header:
        return {"unread": "ip_header_cut"}
    part = number(frame, at + 6, 2)
    if part & 0x3FFF:
        out["fragment"] = (number(frame, at + 4, 2), (part & 0x1FFF) * 8, bool(part & 0x2000))
    out.update(version=4, protocol=frame[at + 9], source=str(ipaddress.IPv4Address(frame[at + 12:at + 16])),
               destination=str(ipaddress.IPv4Address(frame[at + 16:at + 20])), transport_at=at + header,
               ip_end=min(at + total, len(frame)), pseudo=frame[at + 12:at + 20],
               header_sum=ones_sum(frame[at:at + header]))
    return read_transport(frame, out, at + total > len(frame))


def read_ipv6(frame, at, out):
    if len(frame) < at + 40:
        return {"unread": "ip_header_cut"}
    length, following, here = number(frame, at + 4, 2), frame[at + 6], at + 40
    out.update(version=6, source=str(ipaddress.IPv6Address(frame[at + 8:at + 24])),
               destination=str(ipaddress.IPv6Address(frame[at + 24:at + 40])), pseudo=frame[at + 8:at + 40])
    if length == 0 and following == 0 and len(frame) >= here + 8:
        options = frame[here + 2:here + 8 + frame[here + 1] * 8]
        while len(options) >= 2:
            if options[0] == 0:
                options = options[1:]
                continue
            if options[0] == 0xC2 and options[1] == 4:
                length = number(options, 2, 4)
            options = options[2 + options[1]:]
    if length == 0:
        return dict(out, unread="ip_length", protocol=following, transport_at=here, ip_end=here)
    cut = here + length > len(frame)
    end = min(here + length, len(frame))
    chain = 0
    while following in EXTENSION_HEADERS:
        stop = "ipv6_chain_too_long" if chain == 8 else None
        size = 8 if following == 44 else (frame[here + 1] + 2) * 4 if following == 51 and end - here >= 8 else \
            (frame[here + 1] + 1) * 8 if end - here >= 8 else 8
        if stop is None and end - here < size:
            stop = "ip_cut" if cut else "ipv6_chain_cut"
        if stop:
            return dict(out, unread=stop, protocol=following, transport_at=here, ip_end=end)
        if following == 44:
            offset = number(frame, here + 2, 2)
            if offset & 0xFFF9:
                out["fragment"] = (number(frame, here + 4, 4), offset & 0xFFF8, bool(offset & 1))
        following, here, chain = frame[here], here + size, chain + 1
        if out["fragment"] and out["fragment"][1]:
            break
    out.update(protocol=following, transport_at=here, ip_end=end)
    return read_transport(frame, out, cut)


def read_transport(frame, out, cut):
    out.update(sport=0, dport=0, has_udp=False, checksum="unknown", surplus=b"")
    if out["fragment"] and out["fragment"][1]:
        return dict(out, unread="fragment_later")
    if out["protocol"] != 17:
        return dict(out, unread="not_udp")
    why = "fragment_first" if out["fragment"] else "ip_cut" if cut else None
    at, end = out["transport_at"], out["ip_end"]
    if end - at < 8:
        return dict(out, unread=why or "udp_header_cut")
    length = number(frame, at + 4, 2)
    out.update(sport=number(frame, at, 2), dport=number(frame, at + 2, 2), has_udp=True,
               udp_checksum=number(frame, at + 6, 2), udp_length=length, user_at=at + 8,
               udp_header=bytes(frame[at:at + 8]))
    if length == 0 and out["version"] == 6:
        out["user_end"] = end
        length = end - at
    else:
        out["user_end"] = at + max(8, min(length, end - at))
        if length < 8 or (length > end - at and not why):
            return dict(out, unread="udp_length", user=bytes(frame[at + 8:out["user_end"]]))
    out["user"] = bytes(frame[at + 8:out["user_end"]])
    if why:
        return dict(out, unread=why)
    out["surplus"] = bytes(frame[out["user_end"]:end])
    if out["udp_checksum"] == 0:
        out["checksum"] = "absent"
    else:
        whole = ones_sum(bytes(out["pseudo"]) + struct.pack(">HI", 17, length) + bytes(frame[at:out["user_end"]])
                         + (b"\0" if length % 2 else b""))
        out["checksum"] = "good" if whole == 0xFFFF else "bad"
    return dict(out, unread="nothing")


# ---- UDP options ---------------------------------------------------------------------------------

LEAST = {2: 4, 3: 8, 4: 2, 5: 3, 6: 4, 7: 4, 8: 8, 127: 2, 254: 2}
MOST = {2: 4, 3: 10, 4: 2, 5: 3, 6: 4, 7: 4, 8: 8}


def read_options(area, odd, udp_checksum, user):
    """The verdict and, if it is "accepted", what is in the surplus area."""
    pad = 1 if odd else 0
    if not area:
        return {"verdict": "no_surplus"}
    if len(area) < pad + 2:
        return {"verdict": "too_short"}
    if pad and area[0]:
        return {"verdict": "pad_not_zero"}
    ocs = number(area, pad, 2)
    remarks = {}
    if ocs == 0:
        if udp_checksum:
            return {"verdict": "checksum_missing"}
        remarks["checksum_unused"] = 1
    elif ones_sum(area[pad:] + (b"\0" if (len(area) - pad) % 2 else b"") + struct.pack(">H", len(area))) != 0xFFFF:
        return {"verdict": "checksum_wrong"}
    return walk_options(area, pad, ocs, user, remarks)


def walk_options(area, pad, ocs, user, remarks):
    options, seen, late, fragment, nops = [], set(), False, None, 0
    at, end = pad + 2, len(area)

    def remark(name, value=1):
        remarks[name] = remarks.get(name, 0) + value

    while at < end:
        kind = area[at]
        if kind == 1:
            at, nops = at + 1, nops + 1
            remarks["nop_run"] = max(remarks.get("nop_run", 0), nops)
            continue
        nops = 0
        if kind == 0:
            if any(area[at:end]):
                remark("trailing_not_zero")
            break
        if kind >= 192:
            return {"verdict": "unsafe_option" if fragment else "unsafe_outside_fragment"}
        if end - at < 2:
            return {"verdict": "option_cut"}
        header, length = 2, area[at + 1]
        if length == 255:
            if end - at < 4:
                return {"verdict": "option_cut"}
            header, length = 4, number(area, at + 2, 2)
            if length < 255:
                return {"verdict": "option_length"}
        if length < 2:
            return {"verdict": "option_length"}
        if at + length > end:
            return {"verdict": "option_cut"}
        value = area[at + header:at + length]
        if len(value) < LEAST.get(kind, 0):
            return {"verdict": "option_too_short"}
        if kind > 9 and kind != 127:
            remark("unknown_safe")
        if kind > 7:
            late = True
        elif late:
            remarks["must_support_late"] = 1
        option = {"at": at, "kind": kind, "length": length, "value": value}
        at += length
        if len(value) > MOST.get(kind, 0xFFFF) or (kind == 3 and len(value) == 9):
            remark("unexpected_length")
            if kind != 2:
                continue
        if kind in seen and kind != 127:
            remark("repeated")
            continue
        seen.add(kind)
        if len(options) == 24:
            return {"verdict": "too_many_options"}
        options.append(option)
        if kind == 3:
            if user:
                return {"verdict": "fragment_with_user_data"}
            start = number(value, 0, 2) - 8
            if start < at or start > len(area):
                return {"verdict": "fragment_bounds"}
            fragment, end = area[start:], start
    out = {"verdict": "accepted", "ocs": ocs, "options": options, "remarks": remarks, "fragment_data": fragment}
    for option in options:
        if option["kind"] == 2:
            good = len(option["value"]) == 4 and number(option["value"], 0, 4) == crc32c(user)
            out["apc"] = "good" if good else "bad"
    return out
