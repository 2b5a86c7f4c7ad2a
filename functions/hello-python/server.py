"""hello-python: an ordinary http.server program for Debian's own Python, with nothing of Catalyzer in it."""

import itertools
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

requests = itertools.count(1)


class Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/":
            self.send_error(404)
            return
        greeting = os.environ.get("GREETING", "hello")
        body = f"{greeting} from Python, request {next(requests)}, pid {os.getpid()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


if __name__ == "__main__":
    HTTPServer(("0.0.0.0", int(os.environ.get("PORT", "8080"))), Hello).serve_forever()
