"""The completion script in a real bash, asked as its line editor asks it, and by the Tab key."""

import os
import pty
import select
import shutil
import subprocess
import time
import unittest

import harness

BASH = shutil.which("bash")


@unittest.skipUnless(BASH, "bash is not there")
class Completion(harness.Case):
    def setUp(self):
        super().setUp()
        self.write("lobo.bash", self.lobo("completion", "bash"))

    def offered(self, *words, files=()):
        """What is offered for the last word."""
        for name in files:
            self.write(name, "")
        script = ('source ./lobo.bash; COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _lobo; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run([BASH, "--norc", "--noprofile", "-uc", script, "bash", "lobo", *words], text=True,
                              capture_output=True, timeout=60, cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [line for line in done.stdout.splitlines() if line]

    def test_the_script_is_one_that_bash_accepts_and_binds_to_lobo(self):
        done = subprocess.run([BASH, "--norc", "--noprofile", "-euc", "source ./lobo.bash; complete -p lobo"],
                              text=True, capture_output=True, timeout=60, cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("-F _lobo lobo", done.stdout)

    def test_nouns_verbs_and_options_are_offered_where_they_stand(self):
        self.assertIn("nrm", self.offered(""))
        self.assertEqual(self.offered("ver"), ["version"])
        self.assertEqual(self.offered("nrm", ""), ["unicast", "listen", "monitor", "adaptation", "mm-qos", "reliable",
                                                   "--help"])
        self.assertEqual(self.offered("nrm", "unicast", "cr"), ["create"])
        self.assertEqual(self.offered("nrm", "unicast", "create", "--no"), ["--notify"])
        self.assertIn("--loss", self.offered("net", "degrade", "ue1", ""))
        self.assertEqual(self.offered("net", "degrade", "ue1", "--los"), ["--loss"])

    def test_files_are_offered_for_the_value_of_an_option(self):
        self.assertEqual(self.offered("serve", "-c", "stan", files=["standalone.yaml"]), ["standalone.yaml"])

    def test_what_is_no_command_offers_nothing(self):
        self.assertEqual(self.offered("nonsense", "--x"), [])

    def test_the_tab_key_completes(self):
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.environ.update(PS1="ready> ", TERM="dumb", HISTFILE="", INPUTRC="/dev/null")
            os.execv(BASH, ["bash", "--norc", "--noprofile", "-i"])
        self.addCleanup(os.waitpid, child, 0)
        self.addCleanup(os.close, terminal)
        self.expect(terminal, "ready> ")
        os.write(terminal, b"source ./lobo.bash; echo loa''ded\n")
        self.expect(terminal, "loaded")
        os.write(terminal, b"lobo nrm uni\tmodi\t")
        self.expect(terminal, "unicast modify ")
        os.write(terminal, b"\x15exit\n")

    def expect(self, terminal, wanted):
        seen, until = "", time.monotonic() + harness.PATIENCE
        while wanted not in seen:
            left = until - time.monotonic()
            self.assertTrue(left > 0 and select.select([terminal], [], [], left)[0], f"{wanted!r} is not in {seen!r}")
            seen += os.read(terminal, 4096).decode(errors="replace")


if __name__ == "__main__":
    harness.main()
