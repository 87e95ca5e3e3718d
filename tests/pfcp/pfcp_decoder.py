"""PFCP messages taken apart, written from TS 29.244 and from nothing in src/: decode(bytes) gives the
tree that tests/support/pfcp_text.hpp describes. Types from 334 on, which tshark 4.0 does not know, are
those of Rel-19."""

import ipaddress
import struct

HEADER_PRIORITY, HEADER_SEID = 2, 1


class Wrong(Exception):
    """The octets are no PFCP message."""


class Octets:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise Wrong(f"{count} octets wanted at {self.at} of {len(self.data)}")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, count):
        return int.from_bytes(self.take(count), "big")

    def rest(self):
        return self.take(len(self.data) - self.at)

    def done(self):
        return self.at == len(self.data)


def v4(octets):
    return str(ipaddress.IPv4Address(octets.take(4)))


def v6(octets):
    return str(ipaddress.IPv6Address(octets.take(16)))


def number(width, mask=None):
    def read(octets):
        value = octets.number(width)
        return {"value": value if mask is None else value & mask}
    return read


def flags(_octets_known):
    def read(octets):
        text = octets.rest()[:_octets_known].hex()
        while text.endswith("00"):
            text = text[:-2]
        return {"flags": text}
    return read


def octet_string(octets):
    return {"octets": octets.rest().hex()}


def node_id(octets):  # 8.2.38
    kind = octets.number(1) & 15
    if kind == 0:
        return {"v4": v4(octets)}
    if kind == 1:
        return {"v6": v6(octets)}
    labels = []
    while not octets.done():
        labels.append(octets.take(octets.number(1)).decode("ascii"))
    return {"fqdn": ".".join(labels)}


def f_seid(octets):  # 8.2.37
    present = octets.number(1)
    fields = {"seid": octets.number(8)}
    if present & 2:
        fields["v4"] = v4(octets)
    if present & 1:
        fields["v6"] = v6(octets)
    return fields


def f_teid(octets):  # 8.2.3
    present = octets.number(1)
    if present & 4:
        fields = {"choose_v4": present & 1, "choose_v6": present >> 1 & 1}
        if present & 8:
            fields["choose_id"] = octets.number(1)
        return fields
    fields = {"teid": octets.number(4)}
    if present & 1:
        fields["v4"] = v4(octets)
    if present & 2:
        fields["v6"] = v6(octets)
    return fields


def ue_ip_address(octets):  # 8.2.62
    present = octets.number(1)
    fields = {"choose_v4": present >> 4 & 1, "choose_v6": present >> 5 & 1, "destination": present >> 2 & 1}
    if present & 2:
        fields["v4"] = v4(octets)
    if present & 1:
        fields["v6"] = v6(octets)
    if present & 8:
        fields["delegated_bits"] = octets.number(1)
    if present & 64:
        fields["prefix_length"] = octets.number(1)
    return fields


def sdf_filter(octets):  # 8.2.5
    present, _spare = octets.number(1), octets.number(1)
    fields = {}
    if present & 1:
        fields["flow"] = octets.take(octets.number(2)).decode("ascii")
    if present & 2:
        fields["class"], fields["mask"] = octets.number(1), octets.number(1)
    if present & 4:
        fields["spi"] = octets.number(4)
    if present & 8:
        fields["flow_label"] = octets.number(3) & 0xFFFFF
    if present & 16:
        fields["id"] = octets.number(4)
    return fields


def outer_header_creation(octets):  # 8.2.56
    what = octets.take(2)
    fields = flags(2)(Octets(what))
    if what[0] & 0b11:
        fields["teid"] = octets.number(4)
    if what[0] & 0b10101:
        fields["v4"] = v4(octets)
    if what[0] & 0b101010:
        fields["v6"] = v6(octets)
    if what[0] & 0b1100:
        fields["port"] = octets.number(2)
    return fields


def outer_header_removal(octets):  # 8.2.64
    fields = {"description": octets.number(1)}
    if not octets.done():
        fields["deleted_extensions"] = octets.number(1)
    return fields


def bit_rates(octets):  # 8.2.8, 8.2.9
    return {"uplink": octets.number(5), "downlink": octets.number(5)}


def gate_status(octets):  # 8.2.7
    gates = octets.number(1)
    return {"uplink": int(gates >> 2 & 3 != 0), "downlink": int(gates & 3 != 0)}


def traffic_class(octets):  # 8.2.12
    return {"class": octets.number(1), "mask": octets.number(1)}


def counted(*names):  # 8.2.13, 8.2.44, 8.2.50: a flag a number, lowest bit first
    def read(octets):
        present = octets.number(1)
        return {name: octets.number(8) for bit, name in enumerate(names) if present >> bit & 1}
    return read


def release_period(octets):  # 8.2.78
    period = octets.number(1)
    return {"unit": period >> 5, "count": period & 31}


def failed_rule(octets):  # 8.2.80
    kind = octets.number(1) & 31
    return {"kind": kind, "id": octets.number({0: 2, 1: 4, 2: 4, 3: 4, 4: 1, 5: 2, 6: 1}[kind])}


def delays(measured):  # 8.2.169, 8.2.171
    def read(octets):
        present = octets.number(1)
        fields = {name: octets.number(4) for bit, name in enumerate(("downlink", "uplink", "round_trip"))
                  if present >> bit & 1}
        if measured:
            fields["failed"] = present >> 3 & 1
        return fields
    return read


def rtp_extension_details(octets):  # IE 349; octet 6 as docs/packets.md reads it
    present, said = octets.number(1), octets.number(1)
    fields = {}
    if present & 1:
        fields["format"] = said & 3
    if present & 2:
        fields["size_active"] = said >> 2 & 1
    if present & 4:
        fields["npds_active"] = said >> 3 & 1
    return fields


def importances(octets):  # IE 384; the same
    low, high = octets.number(1), octets.number(1)
    return {"bits": f"{high << 8 | low:04x}"}


GROUPS = {1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 77, 78, 79, 80, 83, 85, 86, 87, 99, 211, 212, 213,
          214, 242, 247, 334, 340, 341, 383}
VALUES = {
    19: number(1), 20: number(1, 15), 21: f_teid, 22: octet_string, 23: sdf_filter, 25: gate_status, 26: bit_rates,
    27: bit_rates, 28: number(4), 29: number(4), 30: traffic_class, 31: counted("total", "uplink", "downlink"),
    32: number(4), 36: number(4), 37: flags(3), 39: flags(1), 40: number(2), 42: number(1, 15), 43: flags(12),
    44: flags(2), 46: number(1), 49: flags(1), 50: flags(1), 56: number(2), 57: f_seid, 60: node_id, 62: flags(1),
    63: flags(3), 64: number(4),
    66: counted("total", "uplink", "downlink", "total_packets", "uplink_packets", "downlink_packets"), 67: number(4),
    69: number(4), 70: number(4), 73: counted("total", "uplink", "downlink"), 74: number(4), 75: number(4), 76: number(4),
    81: number(4), 82: number(4), 84: outer_header_creation, 88: number(1), 89: flags(3), 93: ue_ip_address,
    95: outer_header_removal, 96: number(4), 100: flags(1), 104: number(4), 106: octet_string, 108: number(4),
    109: number(4), 111: flags(1), 112: release_period, 113: number(1, 7), 114: failed_rule, 117: number(4),
    123: flags(1), 124: number(1, 63), 125: number(4), 140: number(1), 156: number(4), 157: number(4),
    158: number(1, 7), 170: number(2), 182: number(2), 215: number(1), 243: flags(1), 244: flags(1), 245: delays(False),
    246: number(4), 248: delays(True), 319: flags(1), 339: number(1), 342: number(1), 343: number(1),
    344: number(1, 127), 345: number(1), 349: rtp_extension_details, 374: octet_string, 384: importances, 388: number(1),
}


def elements(data):
    octets = Octets(data)
    found = []
    while not octets.done():
        kind = octets.number(2)
        value = octets.take(octets.number(2))
        if kind in GROUPS:
            found.append({"ie": kind, "ies": elements(value)})
            continue
        inner = Octets(value)
        fields = {name: str(field) for name, field in VALUES[kind](inner).items()}
        if not inner.done():
            raise Wrong(f"type {kind} has octets behind what it says")
        found.append({"ie": kind, "fields": fields})
    return found


def decode(data):
    first, kind, length = struct.unpack(">BBH", data[:4])
    if first >> 5 != 1 or length + 4 != len(data):
        raise Wrong("version or length")
    octets = Octets(data[4:])
    message = {"type": kind}
    if first & HEADER_SEID:
        message["seid"] = str(octets.number(8))
    message["sequence"] = str(octets.number(3))
    last = octets.number(1)
    if first & HEADER_PRIORITY:
        message["priority"] = str(last >> 4)
    message["ies"] = elements(octets.rest())
    return message
