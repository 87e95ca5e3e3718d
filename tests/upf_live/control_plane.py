"""The least of a control plane (TS 29.244): messages written octet by octet, read by the decoder of
tests/pfcp. Sequence numbers are its own; it answers heartbeats and reports while it waits."""

import pathlib
import socket
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "pfcp"))

import pfcp_decoder  # noqa: E402  (the path above comes first)
from net import N3_GNB, N4_SMF, PATIENCE, UE, octets_of, readable  # noqa: E402

HEARTBEAT, SETUP, UPDATE, RELEASE, ESTABLISH, MODIFY, DELETE, REPORT = 1, 5, 7, 9, 50, 52, 54, 56
ACCEPTED = "1"
OPEN, CLOSED = 0, 1
VOLUME_THRESHOLD = 0x02
CORE, ACCESS = 1, 0
PDUSM, EDBMI, DBSMI, TNBMI = 0x08, 0x02, 0x10, 0x20


def ie(kind, *values):
    value = b"".join(values)
    return struct.pack(">HH", kind, len(value)) + value


def u8(value):
    return bytes([value])


def u16(value):
    return struct.pack(">H", value)


def u32(value):
    return struct.pack(">I", value)


def node_id(address):
    return ie(60, u8(0), socket.inet_aton(address))


def ue_address(destination, ue=UE):
    return ie(93, u8((0x01 if ":" in ue else 0x02) | (0x04 if destination else 0)), octets_of(ue))


def new_tunnel(gnb=N3_GNB):
    """F-TEID that the UPF chooses, of the IP version that the gNB has."""
    return ie(21, u8(0x06 if ":" in gnb else 0x05))


def sdf(text):
    return ie(23, u8(1), u8(0), u16(len(text)), text.encode())


def rtp_extension(number):
    """Protocol Description: RTP with PDU Set marking under this ID."""
    return ie(334, ie(339, u8(1)), ie(340, ie(342, u8(1)), ie(343, u8(number))))


def udp_option():
    """Protocol Description: media related information in a UDP option."""
    return ie(334, ie(388, u8(1)))


def create_pdr(number, *, precedence=100, pdi, far, qers=(), urrs=(), removal=None):
    parts = [ie(56, u16(number)), ie(29, u32(precedence)), ie(2, *pdi)]
    if removal is not None:
        parts.append(ie(95, u8(removal)))
    parts.append(ie(108, u32(far)))
    parts += [ie(81, u32(urr)) for urr in urrs] + [ie(109, u32(qer)) for qer in qers]
    return ie(1, *parts)


def create_far(number, destination, teid=None, gnb=N3_GNB):
    parameters = [ie(42, u8(destination))]
    if teid is not None:
        parameters.append(ie(84, u16(0x0200 if ":" in gnb else 0x0100), u32(teid), octets_of(gnb)))
    return ie(3, ie(108, u32(number)), ie(44, u8(0x02)), ie(4, *parameters))


FORWARD, BUFFER_AND_NOTIFY = 0x02, 0x0C
DROP_BUFFERED = 0x01


def update_far(number, action):
    return ie(10, ie(108, u32(number)), ie(44, u8(action)))


def modification_flags(flags):
    return ie(49, u8(flags))


def gate(uplink=OPEN, downlink=OPEN):
    return ie(25, u8(uplink << 2 | downlink))


def qer_parts(number, qfi=None, mbr_kbps=None, gbr_kbps=None, indications=0, **gates):
    parts = [ie(109, u32(number)), gate(**gates)]
    for kind, kbps in ((26, mbr_kbps), (27, gbr_kbps)):  # the same for both directions
        if kbps is not None:
            parts.append(ie(kind, kbps.to_bytes(5, "big"), kbps.to_bytes(5, "big")))
    if qfi is not None:
        parts.append(ie(124, u8(qfi)))
    if indications:
        parts.append(ie(319, u8(indications)))
    return parts


def create_qer(number, **what):
    return ie(7, *qer_parts(number, **what))


def update_qer(number, **what):
    return ie(14, *qer_parts(number, **what))


def create_urr(number, volume=None):
    parts = [ie(81, u32(number)), ie(62, u8(0x02)), ie(37, u8(VOLUME_THRESHOLD if volume else 0), u8(0), u8(0))]
    if volume:
        parts.append(ie(31, u8(1), struct.pack(">Q", volume)))
    return ie(6, *parts)


def query_urr(number):
    return ie(77, ie(81, u32(number)))


def session_rules(*, downlink=(), qer, gnb_teid=0x1001, urrs=(), ue=UE, gnb=N3_GNB):
    """One flow: what goes to the UE's port 5004, and everything back."""
    flow = sdf("permit out 17 from any to assigned 5004")
    return b"".join([
        create_pdr(1, pdi=[ie(20, u8(CORE)), ue_address(True, ue), flow, *downlink], far=1, qers=[1], urrs=urrs),
        create_pdr(2, pdi=[ie(20, u8(ACCESS)), new_tunnel(gnb), ue_address(False, ue)], far=2, qers=[1], urrs=urrs,
                   removal=1 if ":" in gnb else 0),
        create_far(1, ACCESS, gnb_teid, gnb), create_far(2, CORE), qer])


def find(ies, *path):
    """The first element along the path of types, or None."""
    for kind in path:
        ies = next((one for one in ies if one["ie"] == kind), None)
        if ies is None:
            return None
        found, ies = ies, ies.get("ies", [])
    return found


def fields(message, *path):
    found = find(message["ies"], *path)
    return None if found is None else found["fields"]


class ControlPlane:
    def __init__(self, namespace, upf, started=3_900_000_000):
        self.socket = namespace.udp(N4_SMF, 8805)
        self.upf, self.started = upf, started
        self.sequence, self.reports, self.heartbeats, self.updates = 0, [], 0, []
        self.reports_by_seid = {}

    def end(self):
        self.socket.close()

    # -- the wire --

    def message(self, kind, body, seid=None, sequence=None):
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        inner = (struct.pack(">Q", seid) if seid is not None else b"") + struct.pack(">I", sequence << 8) + body
        return struct.pack(">BBH", 0x21 if seid is not None else 0x20, kind, len(inner)) + inner

    def take(self, seconds):
        """The next message, after it was answered if it asks for that; None."""
        if not readable(self.socket, seconds):
            return None
        data, sender = self.socket.recvfrom(65535)
        message = pfcp_decoder.decode(data)
        number = int(message["sequence"])
        if message["type"] == HEARTBEAT:
            self.heartbeats += 1
            self.socket.sendto(self.message(2, ie(96, u32(self.started)), sequence=number), sender)
        if message["type"] == REPORT:
            self.reports.append(message)
            peer = self.reports_by_seid.get(message["seid"], 0)
            self.socket.sendto(self.message(57, ie(19, u8(1)), seid=peer, sequence=number), sender)
        if message["type"] == UPDATE:
            self.updates.append(message)
            self.socket.sendto(self.message(8, node_id(N4_SMF) + ie(19, u8(1)), sequence=number), sender)
        return message

    def ask(self, kind, body, seid=None):
        """The response; requests that come in between are answered."""
        request = self.message(kind, body, seid)
        self.socket.sendto(request, self.upf)
        number, until = str(self.sequence), time.monotonic() + PATIENCE
        while time.monotonic() < until:
            message = self.take(until - time.monotonic())
            if message and message["type"] == kind + 1 and message["sequence"] == number:
                return message
        raise AssertionError(f"no answer to message {kind}")

    def wait_report(self, patience=PATIENCE):
        until = time.monotonic() + patience
        while not self.reports and time.monotonic() < until:
            self.take(until - time.monotonic())
        if not self.reports:
            raise AssertionError("no report came")
        return self.reports.pop(0)

    # -- procedures --

    def associate(self):
        return self.ask(SETUP, node_id(N4_SMF) + ie(96, u32(self.started)))

    def release(self):
        return self.ask(RELEASE, node_id(N4_SMF))

    def establish(self, rules, seid=7):
        answer = self.ask(ESTABLISH, node_id(N4_SMF) + ie(57, u8(2), struct.pack(">Q", seid), socket.inet_aton(N4_SMF))
                          + rules, seid=0)
        if fields(answer, 19)["value"] == ACCEPTED:
            self.reports_by_seid[str(seid)] = int(fields(answer, 57)["seid"])
        return answer

    def modify(self, seid, body):
        return self.ask(MODIFY, body, seid=seid)

    def delete(self, seid):
        return self.ask(DELETE, b"", seid=seid)
