#!/usr/bin/env python3
"""What templates.txt pins is what promtool prints: every case runs through `promtool check rules` or `promtool test rules`.

TROUPE_PEERS is the folder of promtool (scripts/peers.sh --path); skipped (exit 77) where there is none.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

CASES = pathlib.Path(__file__).parent / "testdata" / "templates.txt"
PREFIX = "<error expanding template: error executing template __alert_A: "
SERIES = [
    ('m{instance="web-1.example.com:9100",job="node"}', "1234.5678x3"),
    ('up{instance="a:1",zone="3"}', "1x3"),
    ('up{instance="b:1",zone="1"}', "0x3"),
    ('up{instance="c:1",zone="2"}', "0.5x3"),
    ("one", "1x3"),
    ("not_a_number", "NaN NaN NaN"),
    ('special{kind="a"}', "Inf Inf Inf"),
    ('special{kind="b"}', "-Inf -Inf -Inf"),
    ('special{kind="c"}', "NaN NaN NaN"),
    ('strval{__value__="s"}', "1x3"),
    ("hist", "{{schema:0 sum:3 count:4 buckets:[1 2 1]}}x3"),
]


def read_cases() -> list[tuple[str, str, str]]:
    """(name, template, expected) of each case."""
    out = []
    for block in CASES.read_text(encoding="utf-8").split("=== ")[1:]:
        name, body = block.split("\n", 1)
        template, expected = body.split("\n---\n", 1)
        out.append((name, template, expected.removesuffix("\n")))
    return out


def go_unquote(text: str) -> str:
    def one(m: re.Match) -> str:
        code = m.group(1)
        if code[0] in "xuU":
            return chr(int(code[1:], 16))
        return {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}.get(code, code)

    return re.sub(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)", one, text)


class Promtool:
    def __init__(self, binary: pathlib.Path):
        self.binary = binary

    def run(self, *args: str) -> str:
        done = subprocess.run([str(self.binary), *args], capture_output=True, text=True, timeout=120)
        return done.stdout + done.stderr

    @staticmethod
    def rules(folder: pathlib.Path, templates: list[str]) -> pathlib.Path:
        file = folder / "rules.yml"
        annotations = {f"c{i:04}": t for i, t in enumerate(templates)}
        rule = {"alert": "A", "expr": "m > 0", "annotations": annotations}
        file.write_text(json.dumps({"groups": [{"name": "g", "rules": [rule]}]}, ensure_ascii=False), encoding="utf-8")
        return file

    def parse_errors(self, folder: pathlib.Path, templates: list[str]) -> dict[int, str]:
        found = {}
        text = self.run("check", "rules", str(self.rules(folder, templates)))
        for m in re.finditer(r'annotation "c(\d{4})": (template: .*(?:\n(?!\S*rules\.yml|  FAILED).*)*)', text):
            found[int(m.group(1))] = m.group(2).rstrip("\n")
        return found

    def expansions(self, folder: pathlib.Path, templates: list[str]) -> dict[int, str]:
        rules = self.rules(folder, templates)
        test = {
            "interval": "1m",
            "external_labels": {"region": "eu", "env": "prod"},
            "external_url": "http://prom.example.com/base",
            "input_series": [{"series": s, "values": v} for s, v in SERIES],
            "alert_rule_test": [{"alertname": "A", "eval_time": "1m", "exp_alerts": []}],
        }
        tests = folder / "tests.yml"
        tests.write_text(json.dumps({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": [test]}),
                         encoding="utf-8")
        text = self.run("test", "rules", str(tests))
        got = text.split("Annotations:{", 1)
        if len(got) < 2:
            sys.exit(f"promtool says:\n{text[:4000]}")
        return {int(n): go_unquote(v) for n, v in re.findall(r'c(\d{4})="((?:[^"\\]|\\.)*)"', got[1])}


def main() -> int:
    binary = pathlib.Path(os.environ.get("TROUPE_PEERS", "")) / "promtool"
    if not binary.is_absolute() or not binary.exists():
        print("skipped: no promtool (scripts/peers.sh)")
        return 77
    promtool = Promtool(binary)
    cases = read_cases()
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for parses in (True, False):
            part = [c for c in cases if c[0].startswith("parse error: ") != parses]
            templates = [c[1] for c in part]
            answers = promtool.expansions(folder, templates) if parses else promtool.parse_errors(folder, templates)
            for i, (case, _, expected) in enumerate(part):
                answer = answers.get(i, "").removeprefix(PREFIX)
                if case.startswith("error: "):
                    answer = answer.removesuffix(">")
                if answer != expected:
                    wrong += 1
                    print(f"{case}:\n  promtool {answer!r}\n  pinned   {expected!r}")
    print(f"{len(cases)} cases, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
