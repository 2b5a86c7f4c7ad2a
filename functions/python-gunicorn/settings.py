"""gunicorn's settings: two synchronous workers over one listening socket."""

import os

bind = "0.0.0.0:8080"
workers = 2
worker_tmp_dir = "/dev/shm"
preload_app = True


def post_worker_init(worker):
    """The function is ready when the last worker is, not when the first one listens."""
    if worker.age == workers and os.path.exists("/dev/catalyzer/entry"):
        open("/dev/catalyzer/entry").close()
