#!/usr/bin/env python3
"""--web.config.file on a whole node: TLS, bcrypt users, client certificates, headers and the rate limit hold on every route,
also below a prefix; changes of the file act without a restart. The routes are read from the source, so that a new one
cannot be forgotten."""
import base64
import http.client
import pathlib
import re
import ssl
import subprocess
import sys
import warnings

import harness

HASH = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"  # of "secret", salt "abcdefghijklmnopqrstuu"
FLAGS = [harness.WRITE_FLAG, "--web.enable-lifecycle", "--web.enable-admin-api"]
SOURCE = pathlib.Path(__file__).resolve().parents[2] / "pipeline/api/api.cc"


def routes():
    """[(method, path)] of the API's table, with what no table has: unknown paths, other methods."""
    found = re.findall(r'\{"([A-Z ]+)", "(/[^"]*)", k::', SOURCE.read_text())
    assert len(found) > 30, "the route table has moved"
    out = [(method, path.replace(":name", "job")) for methods, path in found for method in methods.split()]
    out += [("GET", "/nothing/there"), ("OPTIONS", "/api/v1/query"), ("DELETE", "/metrics"), ("HEAD", "/metrics")]
    return sorted(out, key=lambda r: r[1] == "/-/quit")  # that one last


def basic(user: str, password: str):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def certificates(folder: str):
    """A CA, a server's certificate for 127.0.0.1 and a client's, as PEM files in `folder`."""
    def run(*argv):
        subprocess.run(["openssl", *argv], check=True, capture_output=True, cwd=folder)
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
        "-days", "2", "-subj", "/CN=ca")
    pathlib.Path(f"{folder}/san").write_text("subjectAltName=IP:127.0.0.1\n")
    for name in ("server", "client"):
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out",
            f"{name}.csr", "-subj", f"/CN={name}")
        run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-out",
            f"{name}.pem", *(("-extfile", "san") if name == "server" else ()))


class Client:
    """Requests over TLS (or plain HTTP without `folder`), each on its own connection."""

    def __init__(self, port: int, folder: str = None, with_certificate: bool = False):
        self.port, self.context = port, None
        if folder:
            self.context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
            if with_certificate:
                self.context.load_cert_chain(f"{folder}/client.pem", f"{folder}/client.key")

    def ask(self, method: str, path: str, headers=None):
        c = (http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=self.context) if self.context
             else http.client.HTTPConnection("127.0.0.1", self.port, timeout=20))
        try:
            c.request(method, path, headers=headers or {})
            r = c.getresponse()
            return r.status, r.headers, r.read()
        finally:
            c.close()


def node(folder: str, web: str, *flags: str) -> harness.Server:
    path = pathlib.Path(folder) / "web.yml"
    path.write_text(web)
    return harness.troupe(folder, flags=[*FLAGS, f"--web.config.file={path}", *flags])


TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"


def users_and_tls_on_every_route(folder: str):
    web = TLS + f"""
basic_auth_users: {{alice: {HASH}}}
http_server_config:
  headers: {{Strict-Transport-Security: max-age=63072000, X-Frame-Options: sameorigin}}
"""
    with node(folder, web, "--web.route-prefix=/sub") as server:
        server.start(ready="")
        client = Client(server.port, folder)
        right, wrong = basic("alice", "secret"), [{}, basic("alice", "Secret"), basic("bob", "secret"), basic("", ""),
                                                  {"Authorization": "Basic !!!"}, {"Authorization": "Bearer secret"}]
        harness.wait_for("TLS", lambda: client.ask("GET", "/sub/-/ready", right)[0] == 200)
        n = 0
        for method, path in routes():
            for headers in wrong:
                status, got, body = client.ask(method, "/sub" + path, headers)
                assert status == 401 and "basic" in got["WWW-Authenticate"].lower(), (method, path, headers, status, body)
                assert got["Strict-Transport-Security"] == "max-age=63072000", (method, path)
                assert got["X-Frame-Options"].lower() == "sameorigin", (method, path)
                n += 1
            status, _, _ = client.ask(method, path, {})
            assert status == 401, f"{method} {path}, outside of the prefix: {status}"
        for method, path in routes():
            status, got, body = client.ask(method, "/sub" + path, right)
            assert status not in (401, 403), (method, path, status, body)
            assert got["Strict-Transport-Security"] == "max-age=63072000", (method, path)
        assert server.process.wait(15) == 0, "/-/quit with the right password"
        print(f"  {n} requests without the right password: 401")


def plain_http_to_tls(folder: str):
    with node(folder, TLS) as server:
        server.start(ready="")
        client = Client(server.port, folder)
        harness.wait_for("TLS", lambda: client.ask("GET", "/-/ready")[0] == 200)
        try:
            status, _, body = Client(server.port).ask("GET", "/metrics")
            assert status == 400 and b"HTTPS" in body, (status, body)
        except (ConnectionError, http.client.BadStatusLine):
            pass  # cut off: right as well
        with warnings.catch_warnings():  # of the library, that such versions are out of use: that is the point
            warnings.simplefilter("ignore")
            client.context.minimum_version = ssl.TLSVersion.TLSv1
            client.context.maximum_version = ssl.TLSVersion.TLSv1_1
        try:
            client.ask("GET", "/-/ready")
            raise AssertionError("TLS 1.1 was accepted")
        except (ssl.SSLError, ConnectionError):
            pass


def client_certificates(folder: str):
    web = TLS.replace("}", ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem}")
    with node(folder, web) as server:
        server.start(ready="")
        known = Client(server.port, folder, with_certificate=True)
        harness.wait_for("TLS", lambda: known.ask("GET", "/-/ready")[0] == 200)
        for method, path in routes():
            try:
                status = Client(server.port, folder).ask(method, path)[0]
                raise AssertionError(f"{method} {path} without a certificate: {status}")
            except (ssl.SSLError, ConnectionError, http.client.BadStatusLine):
                pass
        assert known.ask("GET", "/metrics")[0] == 200


def rate_limit(folder: str):
    with node(folder, "rate_limit: {interval: 10s, burst: 8}\n") as server:
        server.start(ready="")
        client = Client(server.port)
        harness.wait_for("the port", lambda: client.ask("GET", "/-/ready")[0] in (200, 429))
        seen = [client.ask(method, path)[0] for method, path in routes() * 2]
        assert seen.count(429) >= len(seen) - 9 and seen[-1] == 429, seen
        answer = client.ask("GET", "/metrics")
        assert answer[0] == 429, answer


def changes_without_restart(folder: str):
    with node(folder, "") as server:
        server.start()
        client = Client(server.port)
        path = pathlib.Path(folder) / "web.yml"
        path.write_text(f"basic_auth_users: {{alice: {HASH}}}\n")
        harness.wait_for("the users to be asked for", lambda: client.ask("GET", "/metrics")[0] == 401)
        path.write_text("basic_auth_users: {alice: not a hash}\nnonsense: 1\n")
        assert client.ask("GET", "/metrics")[0] == 401, "a bad file opened the door"
        assert client.ask("GET", "/metrics", basic("alice", "secret"))[0] == 200, "a bad file replaced a good one"
        path.write_text("")
        harness.wait_for("the door to open", lambda: client.ask("GET", "/metrics")[0] == 200)


def bad_file(folder: str):
    """A node does not start without the protection that was asked for; all problems are told with their places."""
    path = pathlib.Path(folder) / "web.yml"
    path.write_text("basic_auth_users: {alice: plain}\ntls_server_config: {cert_file: absent.pem, keyfile: x}\n")
    run = subprocess.run([harness.troupe_binary(), f"--web.config.file={path}", f"--storage.tsdb.path={folder}/data",
                          "--web.listen-address=127.0.0.1:0"], capture_output=True, text=True, timeout=30)
    text = run.stdout + run.stderr
    assert run.returncode == 1 and "web.yml:1" in text and "web.yml:2" in text and "keyfile" in text, (run.returncode, text)


def main() -> int:
    for step in (users_and_tls_on_every_route, plain_http_to_tls, client_certificates, rate_limit, changes_without_restart,
                 bad_file):
        with harness.work_folder() as folder:
            certificates(folder)
            step(folder)
            print(f"{step.__name__}: ok", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
