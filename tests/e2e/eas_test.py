#!/usr/bin/env python3
"""lobo eas between two network namespaces: a real H.264 stream, sent by who knows nothing of marks, reaches an
unmodified receiver byte for byte, and the independent reader finds the marks that the stream should have."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import unittest

import harness
import live_net
import pcap_case

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "toolbox"))
import xrm_decoder  # noqa: E402  (the path above comes first)

KEYS = pcap_case.KEYS
FRAMES = 24
VIDEO = ["ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30",
         "-frames:v", str(FRAMES), "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-b:v", "4M",
         "-g", "8", "-payload_type", "96", "-f", "rtp"]


def recorded():
    """The RTP of a real encoder, packet by packet."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        here.bind(("127.0.0.1", 0))
        here.settimeout(harness.PATIENCE)
        child = subprocess.Popen([*VIDEO, f"rtp://127.0.0.1:{here.getsockname()[1]}?pkt_size=1200"],
                                 stdout=subprocess.DEVNULL)
        packets, ends = [], 0
        while ends < FRAMES:
            packets.append(here.recv(65536))
            ends += packets[-1][1] >> 7
        child.wait(harness.PATIENCE)
    return packets


def sets_of(packets):
    """The PDU Sets of a recorded stream, which are its frames: up to the marker bit."""
    sets = [[]]
    for packet in packets:
        sets[-1].append(packet)
        if packet[1] >> 7:
            sets.append([])
    return sets[:-1]


def importance(frame):
    """IDR pictures and parameter sets are 1, all others of this encoder are P pictures."""
    kinds = set()
    for packet in frame:
        kind = packet[12] & 31
        kinds.add(packet[13] & 31 if kind == 28 else kind)
    return 1 if kinds & {5, 7, 8} else 2


class Eas(harness.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.frames = sets_of(recorded())

    def eas(self, *words, mtu=1500, to=live_net.FAR):
        """A running lobo eas and a socket of the application."""
        self.far = live_net.Far(self.folder, mtu)
        self.addCleanup(self.far.end)
        home = "[::1]:0" if ":" in to else "127.0.0.1:0"
        to = f"[{to}]:{live_net.PORT}" if ":" in to else f"{to}:{live_net.PORT}"
        process = harness.Process([harness.LOBO, "eas", "--in", home, "--to", to, *map(str, words),
                                   "-o", "json", "--ready-file", str(self.folder / "ready")],
                                  self.folder / "eas.log")
        self.addCleanup(process.end)
        self.wait_for(lambda: (self.folder / "ready").exists())
        host, port = (self.folder / "ready").read_text().split()[1].rsplit(":", 1)
        application = socket.socket(socket.AF_INET6 if "[" in host else socket.AF_INET, socket.SOCK_DGRAM)
        application.connect((host.strip("[]"), int(port)))
        application.settimeout(harness.PATIENCE)
        self.addCleanup(application.close)
        return process, application

    def wait_for(self, holds):
        end = time.monotonic() + harness.PATIENCE
        while not holds():
            self.assertLess(time.monotonic(), end, "nothing happened; see " + (self.folder / "eas.log").read_text())

    def summary(self, process):
        process.signal(signal.SIGINT)
        text = ""
        try:
            while True:
                text += process.line()
        except AssertionError:
            pass
        self.assertEqual(process.wait(), 0)
        return json.loads(text)[0]

    def through(self, application, frames):
        """Each frame sent and taken at the far end: (sent, user data received, decoded frames)."""
        for frame in frames:
            for packet in frame:
                application.send(packet)
            data, raw = self.far.take(len(frame))
            yield frame, data, raw

    def check_marks(self, frame, marks, sizes, number, sized=True):
        self.assertEqual([mark["PSSN"] for mark in marks], [number % 1024] * len(frame))
        self.assertEqual([mark["PSN"] for mark in marks], [n % 64 for n in range(len(frame))])
        self.assertEqual([mark["E"] for mark in marks], [0] * (len(frame) - 1) + [1])
        self.assertEqual([mark["PSI"] for mark in marks], [importance(frame)] * len(frame))
        if sized:
            self.assertEqual({mark["NPDS"] for mark in marks}, {len(frame)})
            self.assertEqual({mark["PSSize"] for mark in marks}, {sum(sizes)})

    def ip_bytes(self, frame):
        return int.from_bytes(frame[16:18], "big") if frame[12:14] == b"\x08\x00" else \
            40 + int.from_bytes(frame[18:20], "big")

    def options(self, *words, keys=None, to=live_net.FAR):
        process, application = self.eas("--carry", "udp-option", *words, to=to)
        contexts = xrm_decoder.read_keys(keys) if keys else None
        for number, (frame, data, raw) in enumerate(self.through(application, self.frames)):
            self.assertEqual(data, frame, "the receiver's datagrams are the application's, byte for byte")
            decoded = [xrm_decoder.decode(one, contexts=contexts) for one in raw]
            self.assertEqual({one["packet"]["checksum"] for one in decoded}, {"good"})
            self.check_marks(frame, [one["xrm"]["mark"] for one in decoded], [self.ip_bytes(one) for one in raw], number)
        told = self.summary(process)
        self.assertEqual(told["datagrams"], sum(map(len, self.frames)))
        self.assertEqual(told["marked"], told["datagrams"])
        self.assertEqual(told["sets"], FRAMES)
        self.assertEqual((told["by_kernel"], told["dropped"], told["over_mtu"]), (0, 0, 0))
        return told

    def test_a_real_stream_gets_clear_options_and_its_receiver_sees_no_difference(self):
        self.options()

    def test_the_same_over_ipv6(self):
        self.options(to=live_net.FAR6)

    def test_protected_options_open_and_a_second_run_uses_no_counter_again(self):
        keys = self.folder / "keys"
        keys.write_text(KEYS)
        told = self.options("--keys", keys, keys=KEYS)
        kept = (self.folder / "keys.7-1.counter").read_text()
        self.assertEqual(kept, f"lobodon-xrm-counter 1\nfree from {told['marked']:010}\n")

    def test_header_extensions_reach_the_receiver_and_the_payload_is_the_same(self):
        process, application = self.eas("--carry", "rtp-he")
        for number, (frame, data, raw) in enumerate(self.through(application, self.frames)):
            rtp = [xrm_decoder.read_rtp(one) for one in data]
            self.assertEqual([one["payload"] for one in rtp], [one[12:] for one in frame])
            self.check_marks(frame, [xrm_decoder.read_rtp_mark(one, 1) for one in rtp],
                             [self.ip_bytes(one) for one in raw], number)
        self.assertEqual(self.summary(process)["marked"], sum(map(len, self.frames)))

    def test_without_look_ahead_each_packet_is_on_its_way_before_the_next_comes(self):
        process, application = self.eas("--look-ahead", "none")
        for number, frame in enumerate(self.frames):
            marks = []
            for packet in frame:
                application.send(packet)
                data, raw = self.far.take(1)
                self.assertEqual(data, [packet])
                marks.append(xrm_decoder.decode(raw[0])["xrm"]["mark"])
            self.check_marks(frame, marks, [], number, sized=False)
        self.assertEqual(self.summary(process)["waited_max_us"], 0)

    def test_the_kernels_socket_carries_header_extensions_without_a_privilege(self):
        process, application = self.eas("--carry", "rtp-he", "--send", "socket")
        (frame, data, _), = self.through(application, self.frames[:1])
        marks = [xrm_decoder.read_rtp_mark(xrm_decoder.read_rtp(one), 1) for one in data]
        self.assertEqual([mark["PSN"] for mark in marks], list(range(len(frame))))
        self.assertEqual(self.summary(process)["sent"], len(frame))

    def test_rtcp_other_data_and_long_datagrams_pass_and_answers_come_back(self):
        process, application = self.eas("--lone", "111:3")
        receiver_report = bytes([0x81, 201, 0, 7]) + bytes(28)
        audio = bytes([0x80, 111, 0, 1, 0, 0, 0, 9, 0, 0, 0, 77]) + b"audio"
        for sent, kind in ((receiver_report, "no_surplus"), (b"no RTP at all", "no_surplus"), (b"", "no_surplus")):
            application.send(sent)
            data, raw = self.far.take(1)
            self.assertEqual(data, [sent])
            self.assertEqual(xrm_decoder.decode(raw[0])["surplus"]["verdict"], kind)
        application.send(audio)
        data, raw = self.far.take(1)
        self.assertEqual(data, [audio])
        mark = xrm_decoder.decode(raw[0])["xrm"]["mark"]
        self.assertEqual((mark["E"], mark["PSI"], mark["NPDS"]), (1, 3, 1))
        long = self.frames[0][0] + bytes(4000)
        application.send(long)
        while True:  # its fragments are frames; the datagram comes whole
            one = self.far.next()
            if one[0] == "datagram":
                break
        self.assertEqual(one[2], long)
        application.send(b"ping")
        self.assertEqual(application.recv(100), b"pong")
        told = self.summary(process)
        self.assertEqual((told["left"], told["by_kernel"], told["back"]), (4, 1, 1))

    def test_a_mark_that_the_mtu_has_no_room_for_is_not_added_and_that_is_told(self):
        frame = self.frames[0]
        longest = max(map(len, frame)) + 28
        process, application = self.eas(mtu=longest)
        (_, data, raw), = self.through(application, [frame])
        self.assertEqual(data, frame)
        self.assertEqual({xrm_decoder.decode(one)["surplus"]["verdict"] for one in raw}, {"no_surplus"})
        told = self.summary(process)
        self.assertEqual((told["marked"], told["over_mtu"]), (0, len(frame)))
        self.assertIn("longer than the interface's MTU", (self.folder / "eas.log").read_text())

    def test_a_frame_without_its_end_is_sent_when_patience_is_over(self):
        process, application = self.eas("--patience", "20")
        application.send(self.frames[0][0])
        data, raw = self.far.take(1)
        self.assertEqual(data, self.frames[0][:1])
        mark = xrm_decoder.decode(raw[0])["xrm"]["mark"]
        self.assertEqual((mark["E"], mark["PSSize"], mark["NPDS"]), (0, 0, 0))
        self.assertEqual(self.summary(process)["sets_cut"], 1)

    def tap(self, *words, mtu=1500):
        """lobo eas as a bridge in a namespace of its own, between app0 here and the far end, and an application's
        socket that is connected to the far end itself."""
        self.far = live_net.Far(self.folder, mtu)
        self.addCleanup(self.far.process.end)  # the tap's namespace takes lobo0 with it
        shell = "read go < \"$0\"; ip link set tap0 up; ip link set lobo0 up; exec \"$@\""
        go = self.folder / "go"
        os.mkfifo(go)
        process = harness.Process(["unshare", "--net", "sh", "-c", shell, str(go), harness.LOBO, "eas", "--tap", "tap0",
                                   "--interface", "lobo0", *map(str, words), "-o", "json",
                                   "--ready-file", str(self.folder / "ready")],
                                  self.folder / "eas.log")
        self.addCleanup(process.end)
        own = os.stat("/proc/self/ns/net").st_ino
        self.wait_for(lambda: os.stat(f"/proc/{process.child.pid}/ns/net").st_ino != own)
        live_net.ip("link", "set", "lobo0", "netns", str(process.child.pid))
        live_net.ip("link", "add", "app0", "mtu", str(mtu), "type", "veth", "peer", "name", "tap0", "mtu", str(mtu),
                    "netns", str(process.child.pid))
        live_net.ip("address", "add", f"{live_net.NEAR}/24", "dev", "app0")
        live_net.ip("link", "set", "app0", "up")
        go.write_text("go\n", encoding="ascii")
        self.wait_for(lambda: (self.folder / "ready").exists())
        application = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        application.connect((live_net.FAR, live_net.PORT))
        application.settimeout(harness.PATIENCE)
        self.addCleanup(application.close)
        return process, application

    def test_a_tap_marks_what_an_application_sends_to_the_ue_itself(self):
        keys = self.folder / "keys"
        keys.write_text(KEYS)
        process, application = self.tap("--port", live_net.PORT, "--keys", keys)
        contexts = xrm_decoder.read_keys(KEYS)
        for number, (frame, data, raw) in enumerate(self.through(application, self.frames)):
            self.assertEqual(data, frame, "the receiver's datagrams are the application's, byte for byte")
            decoded = [xrm_decoder.decode(one, contexts=contexts) for one in raw]
            self.assertEqual({one["packet"]["checksum"] for one in decoded}, {"good"})
            self.check_marks(frame, [one["xrm"]["mark"] for one in decoded], [self.ip_bytes(one) for one in raw], number)
        application.send(b"ping")
        self.assertEqual(application.recv(100), b"pong")
        told = self.summary(process)
        self.assertEqual(told["marked"], sum(map(len, self.frames)))
        self.assertEqual((told["sets"], told["dropped"], told["no_place"]), (FRAMES, 0, 0))
        self.assertGreaterEqual(told["back"], 1)  # the answer, and ARP
        kept = (self.folder / "keys.7-1.counter").read_text()
        self.assertEqual(kept, f"lobodon-xrm-counter 1\nfree from {told['marked']:010}\n")

    def test_a_tap_lets_other_ports_pass_and_ends_when_an_interface_is_gone(self):
        process, application = self.tap("--port", "6000")
        frame = self.frames[0]
        (_, data, raw), = self.through(application, [frame])
        self.assertEqual(data, frame)
        self.assertEqual({xrm_decoder.decode(one)["surplus"]["verdict"] for one in raw}, {"no_surplus"})
        live_net.ip("link", "delete", "app0")
        self.assertEqual(process.wait(), 1)
        self.assertIn("tap0", (self.folder / "eas.log").read_text())

    def test_mistakes_are_told_before_anything_is_opened(self):
        for words, said in ((["--in", "127.0.0.1:0"], "--to"),
                            ([], "--tap and --interface"),
                            (["--tap", "a", "--interface", "b"], "--port"),
                            (["--tap", "a", "--port", "5004"], "--interface"),
                            (["--tap", "a", "--interface", "b", "--port", "5004", "--in", "127.0.0.1:0"], "--in"),
                            (["--in", "127.0.0.1:0", "--to", "10.0.0.1:5004", "--port", "5004"], "--tap"),
                            (["--in", "127.0.0.1", "--to", "10.0.0.1:5004"], "ADDRESS:PORT"),
                            (["--in", "127.0.0.1:0", "--to", "10.0.0.1:5004", "--send", "socket"], "--carry rtp-he")):
            done = subprocess.run([harness.LOBO, "eas", *words], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(said, done.stderr)
        done = subprocess.run([harness.LOBO, "eas", "--in", "127.0.0.1:0", "--to", "192.0.2.1:5004"],
                              capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("no route to 192.0.2.1", done.stderr)
        for words, said in ((["lo", "--interface", "lo"], "two interfaces"),
                            (["lo", "--interface", "nowhere0"], "nowhere0")):
            done = subprocess.run([harness.LOBO, "eas", "--tap", *words, "--port", "5004"],
                                  capture_output=True, text=True, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(said, done.stderr)


if __name__ == "__main__":
    live_net.enter()
    unittest.main()
