"""gunicorn's settings: two synchronous workers over one listening socket."""

bind = "0.0.0.0:8080"
workers = 2
worker_tmp_dir = "/dev/shm"
preload_app = True
