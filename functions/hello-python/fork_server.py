"""The `fork-server` floor of `catalyzer bench`: hello-python with no sandbox, forked for every connection.

The interpreter is initialised, every module is imported and the socket listens on 127.0.0.1:$PORT before
the first connection; each connection is then answered by a fresh `os.fork()` of that state.
"""

import os
import signal
from http.server import HTTPServer

from server import Hello


class ForkServer(HTTPServer):
    request_queue_size = 128

    def process_request(self, request, client_address):
        if os.fork():
            self.close_request(request)
            return
        self.socket.close()
        try:
            self.finish_request(request, client_address)
            self.shutdown_request(request)
        finally:
            os._exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the host reaps, so a child costs nothing after its answer
    ForkServer(("127.0.0.1", int(os.environ["PORT"])), Hello).serve_forever()
