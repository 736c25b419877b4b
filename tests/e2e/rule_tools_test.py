#!/usr/bin/env python3
"""`troupe check rules` and `troupe test rules` on a corpus of rule files and unit tests: the verdicts are promtool's. Each is
written down in the corpus, and compared with promtool itself where the peers are there."""
import pathlib
import subprocess
import sys

import harness

CORPUS = pathlib.Path(__file__).resolve().parents[1] / "pipeline/ruletest/corpus"

START_TIME = """
tests:
- interval: 1m
  start_timestamp: 2024-01-01T00:00:00Z
  input_series: [{series: m, values: 1+1x5}]
  promql_expr_test:
  - {expr: time() + 0 * m, eval_time: 1m, exp_samples: [{value: 1704067260}]}
  - {expr: m, eval_time: 2m, exp_samples: [{labels: m, value: 3}]}
"""
NAMED = """
tests:
- {name: good}
- {name: bad, promql_expr_test: [{expr: "1", exp_samples: [{value: 2}]}]}
"""


def run(program: str, *args) -> subprocess.CompletedProcess:
    return subprocess.run([program, *args], cwd=CORPUS, capture_output=True, text=True, timeout=60)


def verdicts(promtool) -> int:
    wrong = []
    listed = {}
    for line in (CORPUS / "verdicts.txt").read_text().splitlines():
        name, code = line.split()
        listed[name] = int(code)
    there = {f"{f.parent.name}/{f.name}" for f in CORPUS.glob("*/*.yml")}
    assert there == listed.keys(), f"not both in the corpus and listed: {there ^ listed.keys()}"
    for name, code in listed.items():
        args = (name.split("/")[0], "rules", name)
        ours = run(harness.troupe_binary(), *args)
        theirs = run(promtool, *args).returncode if promtool else code
        if not ours.returncode == theirs == code:
            wrong.append(f"{name}: {ours.returncode} here, {theirs} by promtool, {code} listed\n{ours.stdout}{ours.stderr}")
    print(f"{len(listed)} files, {'promtool agrees' if promtool else 'without promtool'}")
    print("\n".join(wrong))
    return len(wrong)


def own_keys() -> None:
    with harness.work_folder() as folder:
        path = pathlib.Path(folder) / "t.yml"
        path.write_text(START_TIME)
        got = run(harness.troupe_binary(), "test", "rules", str(path))
        assert got.returncode == 0, got.stderr
        path.write_text(NAMED)
        for pattern, code in (("good", 0), ("bad", 1), ("o+d$", 0), ("nobody", 0), ("ba|go", 1)):
            got = run(harness.troupe_binary(), "test", "rules", "--run", pattern, str(path))
            assert got.returncode == code, (pattern, got.stderr)
        assert run(harness.troupe_binary(), "test", "rules", "--run", "(", str(path)).returncode == 1


def linting() -> None:
    for args, code in (((), 0), (("--lint-fatal",), 3), (("--lint-fatal", "--lint=none"), 0), (("--lint=some",), 2)):
        got = run(harness.troupe_binary(), "check", "rules", *args, "check/repeats.yml")
        assert got.returncode == code, (args, got.stdout, got.stderr)


def main() -> int:
    own_keys()
    linting()
    return 1 if verdicts(harness.peer("promtool")) else 0


if __name__ == "__main__":
    sys.exit(main())
