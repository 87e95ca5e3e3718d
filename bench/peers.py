"""The programs that our servers are compared with."""

import pathlib
import socket
import tempfile
import time

import lib


def free_port():
    """A port that was free a moment ago; for programs that cannot tell which one they took."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, patience=10.0):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing answers on port {port}")


class Nginx:
    """nginx with one worker, no log, and a fixed answer: what a reply costs at the least."""

    def __init__(self, core, body_bytes, http2):
        self.folder = tempfile.TemporaryDirectory(prefix="lobo-nginx-")
        self.port = free_port()
        root = pathlib.Path(self.folder.name)
        kind = " http2" if http2 else ""
        (root / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {root}/nginx.pid; error_log {root}/error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; http2_max_requests 1000000000;
  client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fastcgi;
  uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
  server {{
    listen 127.0.0.1:{self.port}{kind};
    location / {{
      default_type application/json; add_header Location http://127.0.0.1/r/1;
      return 200 '{'x' * body_bytes}';
    }}
  }}
}}
""")
        self.process = lib.Process([lib.need("nginx"), "-p", root, "-e", root / "error.log", "-c", root / "nginx.conf"], core)
        wait_for(self.port)
        self.worker = lib.children(self.process.pid)[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.__exit__()
        self.folder.cleanup()


class Ours:
    """Our server with nothing behind it."""

    def __init__(self, core, binary, *words):
        self.process = lib.Process([binary, *words], core)
        self.port = int(self.process.line().split()[1])
        self.worker = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.__exit__()
