"""Answers with the picture of a video at a second (/?at=2), made by ffmpeg."""

import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

VIDEO = "/app/build/video.mp4"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        at = float(parse_qs(urlsplit(self.path).query).get("at", ["0"])[0])
        command = ["ffmpeg", "-v", "error", "-ss", str(at), "-i", VIDEO, "-frames:v", "1", "-f", "image2", "-c:v", "ppm", "-"]
        job = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
        good = job.returncode == 0
        self.send_response(200 if good else 500)
        self.send_header("Content-Type", "image/x-portable-pixmap" if good else "text/plain")
        body = job.stdout if good else job.stderr
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


HTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
