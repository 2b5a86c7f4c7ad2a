"""python-numpy: a matrix product and a singular-value decomposition a request, by OpenBLAS and its threads."""

import itertools
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy

SIZE = int(os.environ.get("SIZE", "160"))
requests = itertools.count(1)
random = numpy.random.default_rng(7)
left, right = random.random((2, SIZE, SIZE))


class Numpy(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/":
            self.send_error(404)
            return
        product = left @ right
        _, values, _ = numpy.linalg.svd(product)
        # The squares of the singular values add up to those of the elements.
        error = abs((values**2).sum() / (product**2).sum() - 1)
        body = (
            f"hello from NumPy {numpy.__version__}, request {next(requests)}: {SIZE} singular values, "
            f"the largest {values[0]:.3f}, {'right' if error < 1e-9 else 'WRONG'}\n"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


if __name__ == "__main__":
    HTTPServer(("0.0.0.0", int(os.environ.get("PORT", "8080"))), Numpy).serve_forever()
