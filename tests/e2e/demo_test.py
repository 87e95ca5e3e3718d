"""The demo of the main job, unattended: its steps, its artefacts, and nothing left running."""

import json
import pathlib
import signal
import subprocess

import harness


class Story(harness.Case):
    def test_the_story_ends_well_and_leaves_its_artefacts(self):
        out = self.folder / "demo"
        done = subprocess.run([harness.LOBO, "demo", "story", "--check", "--out", str(out)], capture_output=True,
                              text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        summary = json.loads((out / "summary.json").read_text())
        self.assertTrue(summary["ok"])
        self.assertEqual(summary["demo"], "story")
        self.assertEqual(len(summary["steps"]), 9)
        for step in summary["steps"]:
            self.assertTrue(step["ok"] and step["clause"] and step["name"], step)
        self.assertLess(summary["figures"]["qos_not_guaranteed_notified_ms"], 1000)
        page = (out / "report.html").read_text()
        self.assertIn("<svg", page)
        self.assertNotRegex(page, r"(src|href)=\"?https?://")
        self.assertTrue((out / "trace.mmd").read_text().startswith("sequenceDiagram"))

    def test_ctrl_c_ends_the_demo_and_its_processes_and_is_no_success(self):
        out = self.folder / "demo"
        demo = self.start("demo", "story", "--out", out)
        while "1." not in demo.line():
            pass
        children = self.children_of(demo.child.pid)
        demo.signal(signal.SIGINT)
        self.assertEqual(demo.wait(), 130)
        self.assertEqual([pid for pid in children if self.is_lobo(pid)], [])
        self.assertFalse(json.loads((out / "summary.json").read_text())["ok"])

    def test_a_demo_whose_parent_is_killed_leaves_no_process_behind(self):
        out = self.folder / "demo"
        demo = self.start("demo", "story", "--out", out)
        while "1." not in demo.line():
            pass
        children = self.children_of(demo.child.pid)
        self.assertTrue(children)
        demo.signal(harness.SIGKILL)
        demo.wait()
        self.until(lambda: [pid for pid in children if self.is_lobo(pid)], [])

    @staticmethod
    def is_lobo(pid):
        try:
            return "lobo" in pathlib.Path(f"/proc/{pid}/comm").read_text() and \
                not pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            return False

    @staticmethod
    def children_of(pid):
        return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


if __name__ == "__main__":
    harness.main()
