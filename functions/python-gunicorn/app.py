"""A Flask application: a greeting that counts, and a JSON route."""

import os

from flask import Flask, jsonify, request

app = Flask(__name__)
served = 0


@app.get("/")
def hello():
    global served
    served += 1
    text = f"hello from Flask {__import__('flask').__version__}: request {served} of worker {os.getpid()}\n"
    return text, 200, {"Content-Type": "text/plain"}


@app.post("/sort")
def sort():
    return jsonify(values=sorted(request.get_json()["values"]))
