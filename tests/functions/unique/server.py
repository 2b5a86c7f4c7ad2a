"""Answers with a sample of every source of numbers that must differ between instances, and with its clocks.

The generators are used before the image is taken (the warm-up), so that whatever state they keep is part of it.
"""

import json
import os
import random
import secrets
import ssl
import tempfile
import time
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer

GENERATION = "/dev/catalyzer/generation"


def generation():
    with open(GENERATION, "rb", buffering=0) as file:
        return file.read(8).hex()


seeded_in = generation()
deliberate = random.Random(42)
clocks_before = None


def reseed_in_a_new_instance():
    """What a program with generators of its own does: new seeds when the generation is another one."""
    global seeded_in
    now = generation()
    if now != seeded_in:
        seeded_in = now
        random.seed()
        deliberate.seed()


def clocks():
    with open("/proc/uptime") as file:
        uptime = float(file.read().split()[0])
    return {
        "wall": time.time(),
        "monotonic": time.monotonic(),
        "boottime": time.clock_gettime(time.CLOCK_BOOTTIME),
        "uptime": uptime,
    }


def sample():
    reseed_in_a_new_instance()
    handle, path = tempfile.mkstemp()
    os.close(handle)
    os.unlink(path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    hello = ssl.MemoryBIO()
    try:
        context.check_hostname = False
        context.wrap_bio(ssl.MemoryBIO(), hello).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return {
        "unique": {
            "os.urandom": os.urandom(16).hex(),
            "getrandom": os.getrandom(16).hex(),
            "/dev/urandom": open("/dev/urandom", "rb", buffering=0).read(16).hex(),
            "/proc/sys/kernel/random/uuid": open("/proc/sys/kernel/random/uuid").read(),
            "boot_id": open("/proc/sys/kernel/random/boot_id").read(),
            "secrets": secrets.token_hex(16),
            "uuid4": str(uuid.uuid4()),
            "ssl.RAND_bytes": ssl.RAND_bytes(16).hex(),
            # The client random and the session id of a TLS hello.
            "tls hello": hello.read()[11:76].hex(),
            "tempfile": path,
            "generation": generation(),
            "random": str(random.getrandbits(128)),
            "deliberately seeded": str(deliberate.getrandbits(128)),
            "pid": str(os.getpid()),
        },
        "clocks_before": clocks_before,
        "clocks": clocks(),
    }


class Unique(BaseHTTPRequestHandler):
    def do_GET(self):
        global clocks_before
        body = json.dumps(sample()).encode()
        clocks_before = clocks()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


HTTPServer(("0.0.0.0", 8080), Unique).serve_forever()
