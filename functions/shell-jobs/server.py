"""Runs a shell script for each request and answers with what it printed."""

import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    served = 0

    def do_GET(self):
        Handler.served += 1
        job = subprocess.run(["/bin/bash", "/app/jobs.sh"], capture_output=True)
        text = f"hello from bash: request {Handler.served}, status {job.returncode}\n".encode() + job.stdout + job.stderr
        self.send_response(200 if job.returncode == 0 else 500)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


HTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
