"""The congestion demo on a short clip: its artefacts, its figures, the same result for the same seed."""

import csv
import json
import shutil
import signal
import struct
import subprocess
import unittest

import harness

POLICIES = ("taildrop", "psihi", "evict", "threshold", "oracle")
SMALL = ("--seconds", "2", "--height", "180", "--rate", "2000", "--check")


@unittest.skipUnless(shutil.which("ffmpeg"), "ffmpeg is not installed")
class Congestion(harness.Case):
    def play(self, name):
        out = self.folder / name
        done = subprocess.run([harness.LOBO, "demo", "congestion", *SMALL, "--out", str(out)],
                              capture_output=True, text=True, timeout=280)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return out

    def test_it_leaves_its_artefacts_and_the_same_seed_gives_the_same(self):
        out = self.play("first")
        summary = json.loads((out / "summary.json").read_text())
        self.assertTrue(summary["ok"])
        self.assertEqual(summary["demo"], "congestion")
        for step in summary["steps"]:
            self.assertTrue(step["ok"] and step["clause"] and step["name"], step)
        self.assertIn(False, [step["real"] for step in summary["steps"]])
        figures = summary["figures"]
        self.assertEqual(figures["overload_percent"], [5, 10, 20, 30])
        self.assertEqual(set(figures["bit_exact"]), set(POLICIES))
        for policy in POLICIES:
            for share, bound in zip(figures["bit_exact"][policy], figures["bit_exact"]["oracle"], strict=True):
                self.assertTrue(0 <= share <= bound <= 1, (policy, share, bound))
        self.assertGreater(figures["bit_exact"]["threshold"][3], figures["bit_exact"]["taildrop"][3])

        psnr = figures["psnr_db_at_20"]
        self.assertEqual(set(psnr), {"taildrop", "psihi", "evict", "threshold", "oracle_sent"})
        self.assertTrue(all(5 < value < 100 for value in psnr.values()), psnr)
        self.assertGreater(psnr["threshold"], psnr["taildrop"])

        with open(out / "frames.csv", newline="", encoding="ascii") as rows:
            frames = list(csv.DictReader(rows))
        self.assertEqual(len(frames), 4 * 5 * figures["frames"])
        exact = [row for row in frames if (row["overload_percent"], row["policy"], row["verdict"]) ==
                 ("30", "evict", "exact")]
        self.assertAlmostEqual(len(exact) / figures["frames"], figures["bit_exact"]["evict"][3], places=3)
        page = (out / "report.html").read_text()
        self.assertIn("<svg", page)
        self.assertNotRegex(page, r"(src|href)=\"?https?://")
        self.assertEqual(self.packets(out / "offered.pcap"), figures["packets"])
        for policy in POLICIES:
            self.assertLess(self.packets(out / f"{policy}-20.pcap"), figures["packets"])

        again = self.play("second")
        for path in sorted(out.iterdir()):
            self.assertEqual((again / path.name).read_bytes(), path.read_bytes(), path.name)

    @staticmethod
    def packets(path):
        """How many records a classic capture holds; each must be whole."""
        data = path.read_bytes()
        at, count = 24, 0
        while at < len(data):
            length, original = struct.unpack_from("<II", data, at + 8)
            assert length == original
            at, count = at + 16 + length, count + 1
        assert at == len(data)
        return count

    def test_what_comes_of_a_film_is_told_whatever_it_is(self):
        film, out = self.folder / "film.mkv", self.folder / "film"
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i",
                        "nullsrc=size=320x180:rate=25,geq=random(1)*255:128:128", "-t", "1", "-c:v", "ffv1", str(film)], check=True, timeout=60, stdin=subprocess.DEVNULL)
        done = subprocess.run([harness.LOBO, "demo", "congestion", "--video", str(film), "--seconds", "1", "--rate", "300",
                               "--check", "--out", str(out)], capture_output=True, text=True, timeout=280)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        bit_exact = json.loads((out / "summary.json").read_text())["figures"]["bit_exact"]
        for policy in POLICIES:
            for share, bound in zip(bit_exact[policy], bit_exact["oracle"], strict=True):
                self.assertLessEqual(share, bound, policy)
        self.assertIn("no policy can keep such frames whole", done.stdout)
        self.assertIn("(25 frames a second", (out / "report.html").read_text())
        with open(out / "frames.csv", newline="", encoding="ascii") as rows:
            self.assertEqual(list(csv.DictReader(rows))[1]["time_s"], "0.0400")

    def test_ctrl_c_ends_it_and_leaves_nothing_that_looks_done(self):
        out = self.folder / "interrupted"
        demo = self.start("demo", "congestion", *SMALL, "--out", out)
        self.until(lambda: bool(self.children_of(demo.child.pid)), True)
        demo.signal(signal.SIGINT)
        self.assertEqual(demo.wait(), 130)
        self.assertFalse((out / "summary.json").exists())

    @staticmethod
    def children_of(pid):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            return children.read().split()

    def test_a_number_that_makes_no_sense_is_refused(self):
        done = subprocess.run([harness.LOBO, "demo", "congestion", "--seconds", "nan"], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--seconds", done.stderr)


class WithoutFfmpeg(harness.Case):
    def test_it_says_what_to_install(self):
        done = subprocess.run([harness.LOBO, "demo", "congestion", *SMALL, "--out", str(self.folder / "out")],
                              capture_output=True, text=True, timeout=60, env={"PATH": "/nonexistent"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("apt-get install ffmpeg", done.stderr)


if __name__ == "__main__":
    harness.main()
