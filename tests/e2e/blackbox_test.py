#!/usr/bin/env python3
"""The probing job of config/examples with a real blackbox exporter: one address answers, one does not. Beside a Prometheus
with the same file; the time series and what they say must be equal."""
import contextlib
import pathlib
import re
import sys

import exporters
import harness

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "config/examples/jobs/blackbox.yml"
# What a probe says of its target rather than of the moment.
FIXED = {"up", "probe_success", "probe_http_status_code", "probe_http_version", "probe_ip_protocol"}


def config(exporter: int, targets) -> str:
    text = EXAMPLE.read_text()
    for pattern, replacement in (("targets: .*", f"targets: {targets}"),
                                 ("replacement: blackbox:9115", f"replacement: 127.0.0.1:{exporter}"),
                                 ("job_name: blackbox", "job_name: blackbox\n  scrape_interval: 1s\n  scrape_timeout: 1s")):
        text, n = re.subn(pattern, lambda _, r=replacement: r, text)
        assert n == 1, f"{pattern} fits {n} times"
    return text


def probed(port: int):
    """Labels to value, None for what differs from probe to probe."""
    return {tuple(sorted(s["metric"].items())): s["value"][1] if s["metric"]["__name__"] in FIXED else None
            for s in harness.instant(port, '{job="blackbox"}')}


def probes(folder: str):
    with contextlib.ExitStack() as stack:
        alive = stack.enter_context(exporters.Exporter(exporters.fixture_body(10)))
        port = harness.free_port()
        modules = pathlib.Path(folder) / "blackbox.yml"
        modules.write_text("modules: {http_2xx: {prober: http, timeout: 500ms, http: {preferred_ip_protocol: ip4}}}\n")
        exporter = stack.enter_context(harness.Server(
            [harness.peer("prometheus-blackbox-exporter"), f"--config.file={modules}", f"--web.listen-address=127.0.0.1:{port}"], port,
            f"{folder}/blackbox.log"))
        exporter.start("/-/healthy")
        targets = [f"http://127.0.0.1:{alive.port}/metrics", f"http://127.0.0.1:{harness.free_port()}"]
        text = config(port, targets)
        tops = [stack.enter_context(harness.troupe(folder, text))]
        if harness.peer("prometheus"):
            tops.append(stack.enter_context(harness.prometheus(folder, text)))
        for top in tops:
            top.start()

        def success(server):
            return {s["metric"]["instance"]: s["value"][1] for s in harness.instant(server.port, "probe_success")}

        for top in tops:
            harness.wait_for("both targets to be probed", lambda s=top: success(s) == {targets[0]: "1", targets[1]: "0"})
        seen = [probed(top.port) for top in tops]
        assert len(seen[0]) > 30, sorted(seen[0])
        for other in seen[1:]:
            assert seen[0] == other, sorted(set(seen[0].items()) ^ set(other.items()))[:6]
        print(f"  {len(seen[0])} series of two probes, equal in {len(tops)} servers")


def main() -> int:
    if not harness.peer("prometheus-blackbox-exporter"):
        harness.skip("no prometheus-blackbox-exporter")
    with harness.work_folder() as folder:
        probes(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
