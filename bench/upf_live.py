#!/usr/bin/env python3
"""`lobo upf` on live interfaces next to what else may stand between two veth pairs: packets a second and delay.

    bench/upf_live.py [--build build/bench] [--lobo build/bench/lobo] [--rounds 9] [--dry] [--quick]

A server namespace sends, the middle passes on, a far namespace counts. In the middle stand in turns: `lobo upf` by each
I/O (af_packet also with marked packets, whose option it reads and takes out; dpdk by net_af_packet, where it is built
in), Linux forwarding, an XDP program that redirects, and DPDK's testpmd where it is installed (dpdk-dev). The middle
has core 1, the sender core 0; what the kernel does at once (forwarding, the redirect) it does on the sender's core.
"one veth" has nothing in the middle: its delay is that of the path itself, and what the others are slower by is theirs.
A way that this machine does not permit is skipped and told. Appends its figures to bench/results/.
"""

import argparse
import contextlib
import ctypes
import json
import os
import pathlib
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

import lib

for folder in ("upf_live", "e2e", "toolbox"):
    sys.path.insert(0, str(lib.ROOT / "tests" / folder))

SENDER_CORE, MIDDLE_CORE = 0, 1
PAYLOAD = 1216  # a frame of 1,258 octets, with its option 1,280
DPDK_RING = "blocksz=4096,framesz=2048,framecnt=2048,qpairs=1"  # of net_af_packet, for both who use it
FLOOD_MS, DELAY_MS, RATE = 400, 500, 10_000
UDP_HEAD = 14 + 20 + 8
MARK = {"E": 1, "D": 0, "PSI": 2, "PSSN": 5, "PSN": 0, "PSSize": 1266, "NPDS": 1, "BSize": 1266, "TTNB": 160}

# bpf(2)
BPF, PROG_LOAD, LINK_CREATE = 321, 5, 28
PROG_TYPE_XDP, ATTACH_XDP, HELPER_REDIRECT = 6, 37, 23


class Skipped(Exception):
    pass


def bpf(command, attributes):
    libc = ctypes.CDLL(None, use_errno=True)
    room = ctypes.create_string_buffer(attributes, 128)
    made = libc.syscall(BPF, command, room, 128)
    if made < 0:
        raise Skipped(f"bpf: {os.strerror(ctypes.get_errno())}")
    return made


def redirect(index, to):
    """An XDP program of four instructions that sends what comes by one interface out of another."""
    code = b"".join(struct.pack("<BBhi", *one) for one in (
        (0xB7, 1, 0, to), (0xB7, 2, 0, 0), (0x85, 0, 0, HELPER_REDIRECT), (0x95, 0, 0, 0)))
    instructions, licence = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"Apache-2.0")
    program = bpf(PROG_LOAD, struct.pack("<IIQQ", PROG_TYPE_XDP, 4, ctypes.addressof(instructions),
                                         ctypes.addressof(licence)))
    return bpf(LINK_CREATE, struct.pack("<IIII", program, index, ATTACH_XDP, 1 << 2))  # in the driver


def index_of(namespace, interface):
    return json.loads(namespace.ip(f"-j link show {interface}"))[0]["ifindex"]


def pin(pid, core):
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


class Way:
    """A middle that stands until end(); measured between resume() and rest()."""
    far = "gnb0"  # where what passed is counted
    pid = None

    def __init__(self, tools):
        self.closing, self.tools = contextlib.ExitStack(), tools

    def stage(self):
        made = self.tools.Stage()
        self.closing.callback(made.end)
        self.take(made)
        return made

    def take(self, stage):
        self.space, self.far_space = stage.server, stage.gnb
        # Several packets in one would be another comparison; NAPI at the far end lets XDP send there.
        for namespace, interface, what in ((stage.upf, "n6", "gro off"), (stage.upf, "n3", "gro off"),
                                           (stage.gnb, "gnb0", "gro on")):
            with namespace.inside():
                subprocess.run(["ethtool", "-K", interface, *what.split()], check=True, capture_output=True)
        self.link = stage.upf.mac("n6") + stage.server.mac("dn0") + b"\x08\x00"

    def resume(self):
        pass

    def rest(self):
        pass

    def end(self):
        self.closing.close()

    def frame(self):
        return self.link + self.tools.ip_packet(self.tools.N6_SERVER, self.tools.UE, 6000, 5004, bytes(PAYLOAD))

    def counted(self):
        told = json.loads(self.far_space.ip(f"-j -s link show {self.far}"))[0]
        return told["stats64"]["rx"]["packets"]


class OneVeth(Way):
    far = "n6"

    def __init__(self, tools):
        super().__init__(tools)
        self.far_space = self.stage().upf


class Forwarding(Way):
    def __init__(self, tools):
        super().__init__(tools)
        middle = self.stage().upf
        with middle.inside(), open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as setting:
            setting.write("1")
        middle.ip(f"route add 10.45.0.0/16 via {tools.N3_GNB}")


class XdpRedirect(Way):
    def __init__(self, tools):
        super().__init__(tools)
        middle = self.stage().upf
        with middle.inside():
            link = redirect(index_of(middle, "n6"), index_of(middle, "n3"))
        self.closing.callback(os.close, link)


class Testpmd(Way):
    """Busy on its core all the time: it is stopped while others are measured."""

    def __init__(self, tools):
        super().__init__(tools)
        program = shutil.which("dpdk-testpmd")
        if not program:
            raise Skipped("dpdk-testpmd is not installed (dpdk-dev)")
        said = pathlib.Path(self.closing.enter_context(tempfile.TemporaryDirectory())) / "said"
        with self.stage().upf.inside(), open(said, "wb") as out:
            process = subprocess.Popen(
                [program, "--no-huge", "--no-shconf", "--no-pci", f"--file-prefix=lobo{os.getpid()}", "-m", "256",
                 "-l", f"{SENDER_CORE},{MIDDLE_CORE}", f"--vdev=net_af_packet0,iface=n6,{DPDK_RING}",
                 f"--vdev=net_af_packet1,iface=n3,{DPDK_RING}", "--", "--nb-cores=1", "--forward-mode=io", "--auto-start",
                 "--total-num-mbufs=16384", "--stats-period", "1"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        self.process = process
        self.closing.callback(self.stop)
        until = time.monotonic() + 30
        while "NIC statistics" not in said.read_text(encoding="utf-8"):
            if process.poll() is not None or time.monotonic() > until:
                self.end()
                raise Skipped("dpdk-testpmd did not start")
            select.select([], [], [], 0.05)
        self.rest()

    def stop(self):
        self.resume()
        self.process.kill()
        self.process.wait()

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def rest(self):
        self.process.send_signal(signal.SIGSTOP)


class Upf(Way):
    ports, marked, device = "af_packet", False, None

    def __init__(self, tools):
        super().__init__(tools)
        ports, marked, device = self.ports, self.marked, self.device

        class World(tools.UpfCase):
            def runTest(self):
                """Never called: the class is used for what it sets up."""

            def device(self, side):
                return device.format(side=side) if device else None
        World.ports = ports
        world = World()
        try:
            world.setUp()
        except AssertionError as refusal:
            world.doCleanups()
            raise Skipped(str(refusal).splitlines()[-1][:200]) from refusal
        self.closing.callback(world.doCleanups)
        self.take(world.stage)
        protocol = [tools.udp_option()] if marked else []
        indications = tools.PDUSM if marked else 0
        world.establish(tools.session_rules(downlink=protocol,
                                            qer=tools.create_qer(1, qfi=9, indications=indications)))
        world.warm_up()
        self.pid = world.upf.child.pid
        pin(self.pid, MIDDLE_CORE)

    def frame(self):
        if not self.marked:
            return super().frame()
        return self.link + self.tools.ip_packet(self.tools.N6_SERVER, self.tools.UE, 6000, 5004, bytes(PAYLOAD),
                                                self.tools.clear_option(MARK))


class UpfMarked(Upf):
    marked = True


class UpfPlain(Upf):
    ports = "af_packet_plain"


class UpfXdp(Upf):
    ports = "af_xdp\n  ue_networks: [10.45.0.0/16]"


class UpfDpdk(Upf):
    """Never quite idle: it is stopped while others are measured."""
    ports, device = "dpdk", "net_af_packet_{side},iface={side}," + DPDK_RING

    def __init__(self, tools):
        super().__init__(tools)
        self.closing.callback(self.resume)
        self.rest()

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)

    def rest(self):
        os.kill(self.pid, signal.SIGSTOP)


WAYS = {"one_veth": OneVeth, "linux_forwarding": Forwarding, "xdp_redirect": XdpRedirect, "testpmd": Testpmd,
        "upf_af_packet": Upf, "upf_af_packet_marked": UpfMarked, "upf_af_packet_plain": UpfPlain, "upf_af_xdp": UpfXdp,
        "upf_dpdk": UpfDpdk}


def space_of(namespace):
    return f"/proc/{namespace.holder.pid}/ns/net"


def load(program, way, frame_file, words):
    frame_file.write_bytes(way.frame())
    mode, milliseconds, *more = words
    return json.loads(lib.run_pinned([program, mode, frame_file, UDP_HEAD + PAYLOAD - 24, milliseconds,
                                      space_of(way.space), "dn0", *more], SENDER_CORE))


def settled(way):
    """The count of what has arrived, when no more comes."""
    count, still = way.counted(), time.monotonic()
    while time.monotonic() - still < 0.05:
        now = way.counted()
        if now != count:
            count, still = now, time.monotonic()
    return count


def flood(program, way, frame_file):
    before, used = settled(way), lib.cpu_seconds(way.pid) if way.pid else 0
    told = load(program, way, frame_file, ["flood", FLOOD_MS])
    arrived = settled(way) - before
    out = {"packets_per_second": arrived / told["seconds"], "arrived_of_sent": arrived / told["sent"]}
    if way.pid:
        out["cpu_ns"] = (lib.cpu_seconds(way.pid) - used) * 1e9 / max(arrived, 1)
    return out


def delay(program, way, frame_file):
    return load(program, way, frame_file, ["delay", DELAY_MS, RATE, space_of(way.far_space), way.far])


def figures(rounds):
    out = {"packets_per_second": lib.summary([one["packets_per_second"] for one in rounds], 0),
           "arrived_of_sent": round(lib.median([one["arrived_of_sent"] for one in rounds]), 3)}
    if "cpu_ns" in rounds[0]:
        out["process_cpu_ns_median"] = round(lib.median([one["cpu_ns"] for one in rounds]), 0)
    told = [one for one in rounds if one["arrived"]]
    for name in ("p50_us", "p99_us", "p999_us") if told else ():
        out[name] = {"median": round(lib.median([one[name] for one in told]), 1),
                     "best": round(min(one[name] for one in told), 1)}
    out["rounds_in_which_nothing_arrived"] = len(rounds) - len(told)
    out["lost_at_rate"] = sum(one["sent"] - one["arrived"] for one in rounds)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--lobo", type=pathlib.Path, help="another program than the build's")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--ways", default=",".join(WAYS), help="some of them, by comma")
    parser.add_argument("--dry", action="store_true", help="print, append nothing")
    parser.add_argument("--quick", action="store_true", help="one round, to see that it works; appends nothing")
    args = parser.parse_args()
    lib.need("ethtool")
    os.environ["LOBO"] = str((args.lobo or args.build / "lobo").resolve())
    import upf_case as tools  # noqa: E402  (which program it runs is known now)
    import control_plane  # noqa: E402
    import marks  # noqa: E402
    for module, names in ((control_plane, ("session_rules", "create_qer", "udp_option", "PDUSM")),
                          (marks, ("clear_option",))):
        for name in names:
            setattr(tools, name, getattr(module, name))
    tools.need_namespaces()
    program = (args.build / "bench" / "veth_load").resolve()

    ways, skipped, rounds = {}, {}, {}
    with contextlib.ExitStack() as closing:
        frame_file = pathlib.Path(closing.enter_context(tempfile.TemporaryDirectory())) / "frame"
        for name in args.ways.split(","):
            try:
                ways[name] = WAYS[name](tools)
                closing.callback(ways[name].end)
                rounds[name] = []
            except Skipped as why:
                skipped[name] = str(why)
                print(f"skipped: {name}: {why}", file=sys.stderr)
        for _ in range(1 if args.quick else args.rounds):
            for name, way in ways.items():
                print(f"{name} …", file=sys.stderr, flush=True)
                way.resume()
                rounds[name].append({**flood(program, way, frame_file), **delay(program, way, frame_file)})
                way.rest()
    results = {"frame_octets": UDP_HEAD + PAYLOAD, "delay_at_packets_per_second": RATE, "skipped": skipped,
               **{name: figures(each) for name, each in rounds.items()}}
    if args.dry or args.quick:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("upf_live", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
