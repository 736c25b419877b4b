#!/usr/bin/env python3
"""Remote write and alerts to a fake cloud on loopback: a role of AWS, Azure's client secret by `sdk` and workload identity, Google's
metadata server. Signatures are computed again here. A token server that fails first delays samples, and the log says why."""
import hashlib
import hmac
import http.server
import json
import pathlib
import sys
import threading
import time
import urllib.parse

import harness

CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{folder}/rules.yml]
alerting:
  alertmanagers:
    - sigv4: {{region: eu-west-1, access_key: AKID, secret_key: base, service_name: am}}
      static_configs: [{{targets: ["127.0.0.1:{cloud}"]}}]
scrape_configs:
  - job_name: own
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
remote_write:
  - {{name: aws, url: "http://127.0.0.1:{cloud}/aws/write", sigv4: {{region: eu-west-1, role_arn: "arn:role", external_id: e}}, {queue}}}
  - {{name: sdk, url: "http://127.0.0.1:{cloud}/sdk/write", azuread: {{sdk: {{}}}}, {queue}}}
  - name: workload
    url: http://127.0.0.1:{cloud}/workload/write
    azuread: {{workload_identity: {{client_id: c, tenant_id: t2, token_file_path: {folder}/token}}}}
    {queue}
  - {{name: google, url: "http://127.0.0.1:{cloud}/google/write", google_iam: {{}}, {queue}}}
"""
QUEUE = "queue_config: {batch_send_deadline: 100ms, max_backoff: 200ms}"
RULES = "groups: [{name: g, rules: [{alert: A, expr: vector(1)}]}]\n"
STS = ("<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>temporary</SecretAccessKey>"
       "<SessionToken>session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>")
SECRETS = {"AKID": "base", "ASIA": "temporary"}


def mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def check_signature(headers, path: str, body: bytes, service: str) -> str:
    """The access key that signed the request with AWS Signature Version 4."""
    scheme, _, rest = headers["Authorization"].partition(" ")
    assert scheme == "AWS4-HMAC-SHA256", headers
    parts = dict(p.split("=", 1) for p in rest.split(", "))
    key, day, region, to, _ = parts["Credential"].split("/")
    assert (region, to) == ("eu-west-1", service), parts
    names = parts["SignedHeaders"].split(";")
    lines = "".join(f"{n}:{headers[n].strip()}\n" for n in names)
    canonical = f"POST\n{path}\n\n{lines}\n{parts['SignedHeaders']}\n{hashlib.sha256(body).hexdigest()}"
    scope = parts["Credential"].partition("/")[2]
    text = f"AWS4-HMAC-SHA256\n{headers['X-Amz-Date']}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    secret = mac(mac(mac(mac(b"AWS4" + SECRETS[key].encode(), day), region), to), "aws4_request")
    assert parts["Signature"] == mac(secret, text).hex(), f"a bad signature of {path}"
    return key


class Cloud:
    """Gives tokens and takes what comes with them; `errors` has what was wrong, `taken` who was let in."""

    def __init__(self):
        self.errors, self.taken, self.refusals = [], {}, 2
        cloud = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, code: int, text: str = ""):
                self.send_response(code)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    self.answer(*cloud.take(self.command, self.path, self.headers, body))
                except (AssertionError, KeyError, ValueError) as e:
                    cloud.errors.append(f"{self.command} {self.path}: {e!r}")
                    self.answer(400)

            do_GET = do_POST = handle_one

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, method: str, path: str, headers, body: bytes):
        path, _, query = path.partition("?")
        who = path.split("/")[1]
        if path.endswith("/write"):
            if who == "aws":
                assert check_signature(headers, path, body, "aps") == "ASIA" and headers["X-Amz-Security-Token"] == "session"
            else:
                assert headers["Authorization"] == f"Bearer token-{who}", headers["Authorization"]
        elif path == "/api/v2/alerts":
            who = "alerts"
            assert check_signature(headers, path, body, "am") == "AKID"
        else:
            return self.token(path, dict(urllib.parse.parse_qsl(query or body.decode())), headers, body)
        self.taken[who] = self.taken.get(who, 0) + 1
        return (204,)

    def token(self, path: str, form: dict, headers, body: bytes):
        if path == "/":
            assert check_signature(headers, path, body, "sts") == "AKID"
            assert (form["Action"], form["RoleArn"], form["ExternalId"]) == ("AssumeRole", "arn:role", "e"), form
            return 200, STS
        if path.startswith("/computeMetadata/"):
            assert headers["Metadata-Flavor"] == "Google" and form["scopes"].endswith("/auth/monitoring.write"), form
            return 200, json.dumps({"access_token": "token-google", "expires_in": 3600})
        assert form["scope"] == "https://monitor.azure.com//.default", form
        if path.startswith("/t2/"):
            assert form["client_assertion"] == "federated", form
            return 200, json.dumps({"access_token": "token-workload", "expires_in": 3600})
        assert path == "/t1/oauth2/v2.0/token" and form["client_secret"] == "the secret", form
        if self.refusals:
            self.refusals -= 1
            return 401, json.dumps({"error": "invalid_client", "error_description": "not yet"})
        return 200, json.dumps({"access_token": "token-sdk", "expires_in": 3600})


def main() -> int:
    cloud = Cloud()
    with harness.work_folder() as folder:
        pathlib.Path(folder, "token").write_text("federated\n", encoding="utf-8")
        pathlib.Path(folder, "rules.yml").write_text(RULES, encoding="utf-8")
        port = harness.free_port()
        here = f"http://127.0.0.1:{cloud.port}"
        env = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "base", "AWS_ENDPOINT_URL_STS": here, "AZURE_AUTHORITY_HOST": here,
               "AZURE_TENANT_ID": "t1", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "the secret",
               "GCE_METADATA_HOST": f"127.0.0.1:{cloud.port}", "HOME": folder}
        config = CONFIG.format(folder=folder, cloud=cloud.port, port=port, queue=QUEUE)
        with harness.troupe(folder, config, port=port, env=env) as server:
            server.start()
            began = time.time()
            wanted = {"aws", "sdk", "workload", "google", "alerts"}
            harness.wait_for("all to be let in", lambda: cloud.taken.keys() >= wanted or cloud.errors, 20, 0.1)
            assert not cloud.errors, cloud.errors[:3]
            assert cloud.taken.keys() >= wanted, cloud.taken
            log = pathlib.Path(server.log_path).read_text(encoding="utf-8")
            why = "azuread: cannot fetch token: sdk"
            assert why in log and "the token server answered 401: invalid_client: not yet" in log, server.log_tail(5)
            for secret in ("the secret", "federated", "temporary", "token-"):
                assert secret not in log, f"{secret!r} in the log"
            assert harness.metric(port, "prometheus_remote_storage_samples_retried_total") > 0
            assert harness.metric(port, "troupe_config_inert") == 0
            print(f"five ways in within {time.time() - began:.1f} s: {cloud.taken}")
            assert harness.stop_ok(server)
    return 0


if __name__ == "__main__":
    sys.exit(main())
