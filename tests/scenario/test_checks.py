# SPDX-License-Identifier: Apache-2.0
"""The ready-made checks in samples/checks against peers on the loopback: good, bad, hung; and a pcheck that acts on one."""
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import threading

from compat import SAMPLES, closed_port
from harness import Skip, check, same, scenario
from kernel import kill

GENERIC = ["-t", "web", "-i", "1"]      # what pcheck appends for a generic resource
HTTP = (b"HTTP/1.0 200 OK\r\n\r\ndatabase: ok\n", b"HTTP/1.0 503 Busy\r\n\r\ndatabase: ok\n", b"HTTP/1.0 302 Found\r\nLocation: /x\r\n\r\n")


def asked(world, name, *words):
    return world.run([os.path.join(SAMPLES, "checks", name), *map(str, words)])


def needs(program):
    if not shutil.which(program):
        raise Skip(f"{program} is not installed")


def good(world, name, *words):
    answer = asked(world, name, *words)
    check(answer.code == 0 and answer.err == "", f"{name} {words}: {answer}")


def bad(world, why, name, *words):
    answer = asked(world, name, *words)
    check(answer.code == 1 and why in answer.err, f"{name} {words}: exit 1 and {why!r} wanted, {answer}")


def misused(world, name, *calls):
    for words in calls:
        answer = asked(world, name, *words)
        check(answer.code == 64 and answer.err.startswith("usage: ") and name in answer.err, f"{name} {words}: {answer}")


@contextlib.contextmanager
def served(answer, context=None, family=socket.AF_INET, address=("127.0.0.1", 0)):
    """A server that tells everybody this; None: it takes connections and never says a word. Gives its port, or path."""
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen()
    kept = []

    def serve():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            kept.append(peer)
            if answer is None:
                continue
            try:
                if context:
                    peer = context.wrap_socket(peer, server_side=True)
                peer.recv(1000)
                peer.sendall(answer)
            except OSError:
                pass
            peer.close()
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1] if family == socket.AF_INET else listener.getsockname()
    finally:
        listener.shutdown(socket.SHUT_RDWR)     # ends accept(2)
        listener.close()
        thread.join()
        for peer in kept:
            peer.close()


def certified(world, days):
    """A TLS server's context whose certificate is good for so many days."""
    key, certificate = world.path(f"key{days}"), world.path(f"certificate{days}")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
                    "-days", str(days), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@scenario
def tcp_a_port_is_good_where_somebody_takes_connections(world):
    with served(None) as port:
        good(world, "check_tcp.sh", "127.0.0.1", port)
        good(world, "check_tcp.sh", "localhost", port, 5, *GENERIC)
    bad(world, "refused", "check_tcp.sh", "127.0.0.1", closed_port())
    misused(world, "check_tcp.sh", [], ["127.0.0.1"], ["127.0.0.1", "http"], ["127.0.0.1", 80, 0], ["127.0.0.1", 80, 5, 5], GENERIC)


@scenario
def tcp_a_port_whose_queue_is_full_is_bad_after_the_time_limit(world):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, contextlib.ExitStack() as others:
        for _ in range(4):      # the kernel takes backlog + 1, and answers no more after that
            other = others.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(server.getsockname())
        bad(world, "no answer", "check_tcp.sh", "127.0.0.1", server.getsockname()[1], 1)


@scenario
def unix_a_socket_is_good_where_somebody_takes_connections(world):
    path = world.path("socket")
    bad(world, "No such file", "check_unix.py", path)
    with served(None, family=socket.AF_UNIX, address=path):
        good(world, "check_unix.py", path)
        good(world, "check_unix.py", path, 5, *GENERIC)
    bad(world, "refused", "check_unix.py", path)
    with served(None, family=socket.AF_UNIX, address="\0" + path):
        good(world, "check_unix.py", "@" + path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(path + ".datagrams")
        good(world, "check_unix.py", path + ".datagrams")
    misused(world, "check_unix.py", [], [path, "soon"], [path, 0], [path, 5, 5], GENERIC)


@scenario
def unix_a_socket_whose_queue_is_full_is_bad_after_the_time_limit(world):
    path = world.path("socket")
    with socket.socket(socket.AF_UNIX) as server, contextlib.ExitStack() as others:
        server.bind(path)
        server.listen(0)
        for _ in range(2):
            other = others.enter_context(socket.socket(socket.AF_UNIX))
            other.setblocking(False)
            other.connect_ex(path)
        bad(world, "no answer", "check_unix.py", path, 1)


@scenario
def http_an_answer_is_good_below_400_and_with_the_text(world):
    needs("curl")
    fine, busy, moved = HTTP
    with served(fine) as port:
        url = f"http://127.0.0.1:{port}/health"
        good(world, "check_http.sh", url)
        good(world, "check_http.sh", url, 5, "database: ok", *GENERIC)
        bad(world, "does not say: disk", "check_http.sh", url, 5, "disk")
    with served(moved) as port:
        good(world, "check_http.sh", f"http://127.0.0.1:{port}/")
    with served(busy) as port:
        bad(world, "503", "check_http.sh", f"http://127.0.0.1:{port}/")
        bad(world, "does not say", "check_http.sh", f"http://127.0.0.1:{port}/", 5, "database: ok")
    with served(fine, certified(world, 5)) as port:
        good(world, "check_http.sh", f"https://127.0.0.1:{port}/", 5, "database: ok")
    with served(None) as port:
        bad(world, "timed out", "check_http.sh", f"http://127.0.0.1:{port}/", 1)
    bad(world, "127.0.0.1", "check_http.sh", f"http://127.0.0.1:{closed_port()}/")
    misused(world, "check_http.sh", [], ["file:///etc/passwd"], ["http://x", "soon"], ["http://x", 5, "a", "b"], GENERIC)


@scenario
def tls_a_certificate_is_good_that_lasts_long_enough(world):
    needs("openssl")
    with served(b"", certified(world, 20)) as port:
        good(world, "check_tls_expiry.sh", "127.0.0.1", port)
        good(world, "check_tls_expiry.sh", "localhost", port, 19, 5, *GENERIC)
        bad(world, "is good until", "check_tls_expiry.sh", "127.0.0.1", port, 21)
    with served(b"this is no TLS\n") as port:
        bad(world, "no certificate", "check_tls_expiry.sh", "127.0.0.1", port)
    with served(None) as port:
        bad(world, "no certificate", "check_tls_expiry.sh", "127.0.0.1", port, 14, 1)
    bad(world, "no certificate", "check_tls_expiry.sh", "127.0.0.1", closed_port())
    misused(world, "check_tls_expiry.sh", [], ["localhost"], ["localhost", "https"], ["localhost", 443, "many"], ["localhost", 443, 14, 0], GENERIC)


@scenario
def a_check_is_what_a_generic_resource_recovers_and_a_cmdline_one_starts_again_after(world):
    tcp = shutil.copy(os.path.join(SAMPLES, "checks/check_tcp.sh"), world.path("check_tcp.sh"))
    ports = {"web": closed_port(), "db": closed_port()}
    daemons = {tag: world.script(f"{tag}.start", f"""setsid {shutil.which("python3")} -c '
import os, socket, time
server = socket.create_server(("127.0.0.1", {port}))
open("{world.path(tag + '.pid')}", "w").write(str(os.getpid()))
time.sleep(3600)' < /dev/null > /dev/null 2>&1 &
until {tcp} 127.0.0.1 {port}; do sleep 0.05; done""") for tag, port in ports.items()}
    world.pfile(resources=[
        world.resource("web", "generic", restore=daemons["web"], remove="/bin/true", recover=daemons["web"], quick_interval=1,
                       quickCheck=f"{tcp} 127.0.0.1 {ports['web']} 5"),
        world.resource("db", "cmdline", start=daemons["db"], stop="/bin/true", check=f"{tcp} 127.0.0.1 {ports['db']}")], SCRIPT_OUTPUT="null")
    world.start_pcheck()
    for tag, state in (("web", "ISP"), ("db", "Online")):
        world.is_in(tag, state)
        kill(int(world.read(f"{tag}.pid")))
    world.log.wait("Check failed (web): quickCheck status=1")
    world.log.wait("Resource (web) ISP: recover action has succeeded")
    world.log.wait("Check failed (db): check status=1")
    world.log.wait_for_count("Resource (db) Online: Start has succeeded", 2)
    same([world.resources()[tag]["state"] for tag in ("web", "db")], ["ISP", "Online"], "states")
