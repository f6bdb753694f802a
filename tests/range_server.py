"""A server of files that answers ranges, slowly and with faults if it is told to."""
import collections
import functools
import http.server
import os
import re
import socket
import struct
import sys
import threading
import time
import zlib


class Server(http.server.ThreadingHTTPServer):
    """Serves `folder`. `delay`: seconds before each answer. `faults`: what the `first` requests for
    each range of each file end with, one or another: a status, "short" (half of the bytes), "reset"
    or "stall" (nothing for `stall` seconds); `where` says of which (method, first byte) that holds,
    else of all. `status`: what every request is answered with. `ranges`: False = whole files only.
    `head`: the status that requests for headers alone are answered with."""
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder, delay=0, faults=(), first=1, where=None, stall=3, status=None,
                 ranges=True, head=None):
        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
        self.delay, self.faults, self.first, self.where = delay, faults, first, where
        self.stall, self.status, self.ranges, self.head = stall, status, ranges, head
        self.asked = collections.Counter()
        self.faulty = 0
        self.lock = threading.Lock()
        self.requests = []  # (method, path, range or None, status, bytes), faults too
        self.headers = []
        self.times = []
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def bytes(self):
        return sum(r[4] for r in self.requests)

    def close(self):
        self.shutdown()
        self.server_close()

    def fault(self, method, path, begin, wanted):
        if not self.faults or (self.where and not self.where(method, begin)):
            return None
        key = f"{method} {path} {wanted}"
        with self.lock:
            self.asked[key] += 1
            if self.asked[key] > self.first:
                return None
            self.faulty += 1
            return self.faults[(zlib.crc32(key.encode()) + self.asked[key]) % len(self.faults)]

    def handle_error(self, request, client_address):
        pass  # the client went away


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def note(self, status, count):
        with self.server.lock:
            self.server.requests.append(
                (self.command, self.path, self.headers.get("Range"), status, count))
            self.server.headers.append(dict(self.headers))
            self.server.times.append(time.monotonic())

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def refuse(self, status):
        self.note(status, 0)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def drop(self):
        """Ends the connection as a crash does."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def answer(self):
        server = self.server
        time.sleep(server.delay)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        fault = server.fault(self.command, self.path, int(wanted[1]) if wanted else 0,
                             self.headers.get("Range"))
        status = server.status or (server.head if self.command == "HEAD" else None)
        if status or isinstance(fault, int):
            return self.refuse(status or fault)
        if fault in ("reset", "stall"):
            self.note(fault, 0)
            time.sleep(server.stall if fault == "stall" else 0)
            return self.drop()
        self.send(wanted if server.ranges else None, fault == "short" and self.command == "GET")

    def send(self, wanted, half):
        path = self.translate_path(self.path)
        if not os.path.isfile(path):
            return self.refuse(404)
        size = os.path.getsize(path)
        begin, end = 0, size
        if wanted:
            begin, end = int(wanted[1]), min(size, int(wanted[2] or size - 1) + 1)
            if begin >= size:
                return self.refuse(416)
        self.send_response(206 if wanted else 200)
        if self.server.ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - begin))
        self.send_header("Last-Modified", self.date_time_string(os.path.getmtime(path)))
        if wanted:
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{size}")
        self.end_headers()
        count = 0 if self.command == "HEAD" else end - begin
        count //= 2 if half else 1
        self.note(206 if wanted else 200, count)
        with open(path, "rb") as file:
            file.seek(begin)
            self.wfile.write(file.read(count))
        if half:
            self.wfile.flush()
            self.close_connection = True


def main(folder, file):
    """Serves a folder until it is killed; its address is written to `file`."""
    server = Server(folder)
    with open(file + ".part", "w") as out:
        out.write(server.address)
    os.rename(file + ".part", file)
    server.thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
