#!/usr/bin/env python3
"""Power cuts: the data lie on a loop-mounted ext4 image; a copy of the image at a random moment under load is what the
device held. The journal is replayed, troupe starts on the copy, every sample acknowledged before the copy must be there.
usage: power_cut_test.py [cuts]    Needs root and loop devices; skipped with the reason where there are none.
TROUPE_EXPECT_LOSS=1 turns the verdict round: for a build that skips fdatasync the audit must fail."""
import os
import random
import subprocess
import sys
import time

import audit
import harness


def run(*argv):
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Mount:
    def __init__(self, image: str, point: str):
        self.image, self.point = image, point

    def __enter__(self):
        os.makedirs(self.point, exist_ok=True)
        run("mount", "-o", "loop", self.image, self.point)
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.point], check=False, stderr=subprocess.DEVNULL)


def one_cut(folder: str, rng: random.Random) -> int:
    """Returns the number of samples checked; raises AssertionError when acknowledged ones are missing."""
    image, cut = f"{folder}/disk.img", f"{folder}/cut.img"
    with open(image, "wb") as f:
        f.truncate(512 << 20)
    run("mkfs.ext4", "-q", "-F", image)
    with Mount(image, f"{folder}/live") as live:
        server = harness.troupe(folder, flags=[harness.WRITE_FLAG], data=f"{live.point}/data")
        with server:
            server.start()
            ledger, loads = audit.start_load(server.port)
            time.sleep(rng.uniform(1.0, 4.0))
            acked, _ = ledger.snapshot()
            run("cp", "--sparse=always", image, cut)
            for load in loads:
                load.finish()
    with Mount(cut, f"{folder}/after") as after:
        survivor = harness.troupe(folder, flags=[harness.WRITE_FLAG], data=f"{after.point}/data")
        with survivor:
            survivor.start()
            return audit.audit(survivor.port, ledger, acked)


def main(cuts: int) -> int:
    if os.geteuid() != 0:
        harness.skip("needs root to mount an image")
    try:
        with harness.work_folder() as folder:
            with open(f"{folder}/probe.img", "wb") as f:
                f.truncate(16 << 20)
            run("mkfs.ext4", "-q", "-F", f"{folder}/probe.img")
            with Mount(f"{folder}/probe.img", f"{folder}/probe"):
                pass
    except (subprocess.CalledProcessError, FileNotFoundError) as e:
        harness.skip(f"no loop mounts here: {e}")
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    expect_loss = os.environ.get("TROUPE_EXPECT_LOSS") == "1"
    print(f"seed {seed}")
    for n in range(cuts):
        with harness.work_folder() as folder:
            try:
                checked = one_cut(folder, rng)
            except AssertionError as e:
                if not expect_loss:
                    raise
                print(f"cut {n}: lost, as a build without fdatasync must: {e}")
                return 0
            print(f"cut {n}: {checked} acknowledged samples, all there")
    assert not expect_loss, "nothing was lost: the test cannot tell a build that skips fdatasync"
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
