"""A UPF for the end-to-end tests as far as an SMF notices one: it answers on a UDP port of its own, keeps
what it is told, and can refuse, fall silent, be born again and report. What it hears is taken apart by the
decoder of tests/pfcp, which shares nothing with src/."""

import ipaddress
import pathlib
import socket
import struct
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "pfcp"))

import pfcp_decoder  # noqa: E402  (the path above comes first)

ACCEPTED, REJECTED = 1, 64
HEARTBEAT, SETUP, UPDATE, RELEASE = 1, 5, 7, 9
ESTABLISHMENT, MODIFICATION, DELETION, REPORT = 50, 52, 54, 56


def element(kind, value):
    return struct.pack(">HH", kind, len(value)) + value


def number(kind, width, value):
    return element(kind, value.to_bytes(width, "big"))


def v4(text):
    return ipaddress.IPv4Address(text).packed


def inner(tree, *kinds):
    """The groups or fields at a path of types, all of them."""
    found = [tree]
    for kind in kinds:
        found = [one for node in found for one in node["ies"] if one["ie"] == kind]
    return found


def value(tree, *kinds):
    """The fields of the first at a path of types."""
    return inner(tree, *kinds)[0]["fields"]


class Upf:
    N3 = "10.9.0.1"

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.heard = threading.Condition()
        self.datagrams, self.messages, self.smf = [], [], None
        self.silent, self.cause, self.born, self.sequence = False, ACCEPTED, 1000, 0
        self.sessions, self.last_seid, self.last_teid = {}, 0x700, 0x5000
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self):
        self.socket.close()

    def _serve(self):
        while True:
            try:
                data, self.smf = self.socket.recvfrom(65536)
            except OSError:
                return
            message = pfcp_decoder.decode(data)
            with self.heard:
                answer = None if self.silent else self._answer(message)
                self.datagrams.append(data)
                self.messages.append(message)
                self.heard.notify_all()
            if answer:
                self.socket.sendto(answer, self.smf)

    def wait_for(self, kind, count=1, patience=20):
        """The `count`-th message of a type that it heard."""
        def of_kind():
            return [message for message in self.messages if message["type"] == kind]
        with self.heard:
            if not self.heard.wait_for(lambda: len(of_kind()) >= count, patience):
                raise AssertionError(f"{len(of_kind())} messages of type {kind}, not {count}")
            return of_kind()[count - 1]

    # -- what it answers --------------------------------------------------------------------------

    @staticmethod
    def _message(kind, sequence, elements, seid=None):
        body = (b"" if seid is None else struct.pack(">Q", seid)) + struct.pack(">I", sequence << 8) + elements
        return struct.pack(">BBH", 0x20 if seid is None else 0x21, kind, len(body)) + body

    def _answer(self, message):
        kind, sequence = message["type"], int(message["sequence"])
        node = element(60, b"\0" + v4("127.0.0.1"))
        born = number(96, 4, self.born)
        cause = number(19, 1, self.cause)
        if kind == HEARTBEAT:
            return self._message(kind + 1, sequence, born)
        if kind == SETUP:
            self.sessions.clear()
            return self._message(kind + 1, sequence, node + number(19, 1, ACCEPTED) + born + number(43, 2, 0x1000))
        if kind == RELEASE:
            return self._message(kind + 1, sequence, node + number(19, 1, ACCEPTED))
        if kind == ESTABLISHMENT:
            control = int(value(message, 57)["seid"])
            if self.cause != ACCEPTED:
                return self._message(kind + 1, sequence, node + cause, control)
            self.last_seid += 1
            self.last_teid += 1
            self.sessions[self.last_seid] = control
            created = b""
            for pdr in inner(message, 1):
                if inner(pdr, 2, 21):
                    created += element(8, number(56, 2, int(value(pdr, 56)["value"])) +
                                       element(21, b"\1" + struct.pack(">I", self.last_teid) + v4(self.N3)))
            own = element(57, b"\2" + struct.pack(">Q", self.last_seid) + v4("127.0.0.1"))
            return self._message(kind + 1, sequence, node + cause + own + created, control)
        if kind in (MODIFICATION, DELETION):
            control = self.sessions.get(int(message["seid"]))
            if control is None:
                return self._message(kind + 1, sequence, number(19, 1, 65), 0)
            if kind == DELETION:
                del self.sessions[int(message["seid"])]
            return self._message(kind + 1, sequence, cause, control)
        return None

    # -- what it says by itself -------------------------------------------------------------------

    def restart(self):
        with self.heard:
            self.born += 1
            self.sessions.clear()

    def report_delay(self, qfi, downlink_ms):
        """TS 29.244 table 7.5.8.7-1, of the only session."""
        self.sequence += 1
        (control,) = self.sessions.values()
        measured = element(248, b"\1" + struct.pack(">I", downlink_ms))
        report = element(247, number(124, 1, qfi) + measured + number(156, 4, 3_900_000_000))
        elements = number(39, 1, 0x20) + element(214, number(215, 1, qfi) + report)
        self.socket.sendto(self._message(REPORT, self.sequence, elements, control), self.smf)
