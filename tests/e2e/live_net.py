"""Two network namespaces joined by a veth pair, for tests of live packets: this process is in the one with
lobo0 (10.9.0.1), a far process in the one with lobo1 (10.9.0.2). Anybody may make them where user namespaces
are permitted."""

import base64
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys

import harness

NEAR, FAR = "10.9.0.1", "10.9.0.2"
NEAR6, FAR6 = "fd09::1", "fd09::2"
PORT = 5004
IPV6_MTU_MIN = 1280  # RFC 8200 clause 5
ENTERED = "LOBO_LIVE_NET"
INTO = ["unshare", "--user", "--map-root-user", "--net"]


def enter():
    """Runs this script again within a namespace; ends with 77, and says why, where none may be made."""
    if os.environ.get(ENTERED):
        ip("link", "set", "lo", "up")
        return
    if not all(shutil.which(tool) for tool in ("unshare", "ip")):
        print("skipped: unshare or ip is missing")
        sys.exit(77)
    tried = subprocess.run([*INTO, "ip", "link", "add", "lobo0", "type", "veth", "peer", "name", "lobo1"],
                           capture_output=True, text=True, check=False)
    if tried.returncode:
        print(f"skipped: no network namespace may be made here: {tried.stderr.strip()}")
        sys.exit(77)
    os.environ[ENTERED] = "1"
    os.execvp(INTO[0], [*INTO, sys.executable, *sys.argv])


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class Far:
    """The other namespace: an unmodified UDP receiver there, and a reader of whole frames beside it."""

    def __init__(self, folder, mtu=1500):
        self.data, self.frames = [], []  # what came and was not yet taken
        script = pathlib.Path(__file__).resolve()
        self.process = harness.Process(["unshare", "--net", sys.executable, str(script), str(mtu)], folder / "far.log")
        pid = self.process.line().split()[1]
        ip("link", "add", "lobo0", "mtu", str(mtu), "type", "veth", "peer", "name", "lobo1", "mtu", str(mtu),
           "netns", pid)
        ip("address", "add", f"{NEAR}/24", "dev", "lobo0")
        if mtu >= IPV6_MTU_MIN:
            ip("-6", "address", "add", f"{NEAR6}/64", "dev", "lobo0", "nodad")
        ip("link", "set", "lobo0", "up")
        os.kill(int(pid), 10)  # SIGUSR1: the interface is there
        assert self.process.line() == "listens"

    def next(self):
        """What came next: ("datagram", source port, bytes) or ("frame", bytes)."""
        told = json.loads(self.process.line())
        if told["kind"] == "frame":
            return "frame", base64.b64decode(told["bytes"])
        return "datagram", told["port"], base64.b64decode(told["bytes"])

    def take(self, datagrams):
        """The user data of so many datagrams, and the frames that brought them."""
        while len(self.data) < datagrams or len(self.frames) < datagrams:
            one = self.next()
            (self.frames if one[0] == "frame" else self.data).append(one[-1])
        taken = self.data[:datagrams], self.frames[:datagrams]
        self.data, self.frames = self.data[datagrams:], self.frames[datagrams:]
        return taken

    def end(self):
        ip("link", "delete", "lobo0")  # before its other end goes with its namespace, some time later
        self.process.end()


def far():
    """The far process: tells in lines of JSON what reaches it, and answers "ping" with "pong"."""
    import select
    import signal
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    print("pid", os.getpid(), flush=True)
    signal.sigwait({signal.SIGUSR1})
    ip("link", "set", "lo", "up")
    ip("address", "add", f"{FAR}/24", "dev", "lobo1")
    if int(sys.argv[1]) >= IPV6_MTU_MIN:
        ip("-6", "address", "add", f"{FAR6}/64", "dev", "lobo1", "nodad")
    ip("link", "set", "lobo1", "up")
    frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    frames.bind(("lobo1", 0))
    plain = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    plain.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    plain.bind(("::", PORT))
    print("listens", flush=True)
    while True:
        for ready in select.select([frames, plain], [], [])[0]:
            if ready is frames:
                data, where = frames.recvfrom(65536)
                # Outgoing ones are seen as well; and only IP with UDP concerns us.
                kind = int.from_bytes(data[12:14], "big")
                udp = (kind == 0x0800 and data[23] == 17 and data[36:38] == PORT.to_bytes(2, "big")) or \
                      (kind == 0x86DD and data[20] == 17 and data[56:58] == PORT.to_bytes(2, "big"))
                if where[2] != socket.PACKET_OUTGOING and udp:
                    tell(kind="frame", data=data)
            else:
                data, source = plain.recvfrom(65536)
                if data == b"ping":
                    plain.sendto(b"pong", source)
                tell(kind="datagram", port=source[1], data=data)


def tell(data, **what):
    print(json.dumps(dict(what, bytes=base64.b64encode(data).decode())), flush=True)


if __name__ == "__main__":
    far()
