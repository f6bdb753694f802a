"""The man page and the completions of shells say what --help says of every command and option."""
import os
import re
import shutil
import subprocess
import unittest

from program import CUBE, Case, cube


def help_of(command):
    """The commands and the options that --help lists."""
    text = cube(*command, "--help").stdout
    below = re.search(r"^Subcommands:\n((?:  .*\n?)*)", text, re.M)
    commands = re.findall(r"^  (\S+)", below.group(1), re.M) if below else []
    listed = re.search(r"^Options:\n((?:  .*\n?)*)", text, re.M).group(1)
    options = [name for line in re.findall(r"^  (-\S+)", listed, re.M) for name in line.split(",")]
    return commands, options


def tree(command=()):
    """Each command with its commands and options."""
    commands, options = help_of(command)
    out = {command: (commands, options)}
    for each in commands:
        out.update(tree((*command, each)))
    return out


class Docs(Case):
    @classmethod
    def setUpClass(cls):
        cls.commands = tree()

    def test_there_is_something_to_say(self):
        self.assertIn("run", self.commands[()][0])
        self.assertIn("--overwrite", self.commands[("catalog", "create")][1])

    def test_man_page(self):
        page = cube("man").stdout
        plain = re.sub(r"\\f[BIR]", "", page).replace("\\-", "-").replace("\\&", "").replace("\\e", "\\")
        sections = dict(zip(*[iter(re.split(r"^\.S[SH] (.*)\n", plain, flags=re.M)[1:])] * 2))
        for command, (_, options) in self.commands.items():
            with self.subTest(command=command):
                text = sections[" ".join(("cube", *command)) if command else "OPTIONS"]
                for option in options:
                    self.assertRegex(text, r"(?m)^(.*, )?" + re.escape(option) + r"( |,|$)")
        self.assertIn("Exit status: 0 done; 1 some chunk or image failed; 2 rejected before any work;", plain)
        self.assertIn(cube("--version").stdout.strip(), plain.splitlines()[0])
        if shutil.which("groff"):
            said = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8"], input=page, capture_output=True, text=True)
            self.assertEqual((said.returncode, said.stderr), (0, ""))

    def ask(self, shell, *lines):
        """The words that a shell offers at the end of each line."""
        script = self.graph(cube("completion", shell).stdout, "script")
        if shell == "bash":
            call = (f"source {script}; while IFS= read -r line; do COMP_WORDS=($line); "
                    "case $line in *' ') COMP_WORDS+=('');; esac; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=(); "
                    "_cube; echo \"${COMPREPLY[*]}\"; done")
        else:
            call = (f"source {script}; while read -l line; set -l words (complete -C $line | string split -f 1 \\t); "
                    "echo $words; end")
        result = subprocess.run([shell, "-c", call], input="".join(line + "\n" for line in lines),
                                capture_output=True, text=True,
                                env={**os.environ, "HOME": self.folder, "XDG_DATA_HOME": self.folder})
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return [set(line.split()) for line in result.stdout.splitlines()]

    def check_shell(self, shell):
        lines = [" ".join(("cube", *command)) for command in self.commands]
        long = [{name for name in options if name.startswith("--")} for _, options in self.commands.values()]
        self.assertEqual(self.ask(shell, *(line + " --" for line in lines)), long)
        below = [(line, commands) for line, (commands, _) in zip(lines, self.commands.values()) if commands]
        self.assertEqual(self.ask(shell, *(line + " " for line, _ in below)), [set(c) for _, c in below])
        values = self.ask(shell, "cube run g.json -o x --format ", "cube run --progress j", "cube ops reduce",
                          "cube warp a.tif -r cub", "cube catalog create --format L8", "cube completion ")
        self.assertLessEqual({"GTiff", "COG", "netCDF", "Zarr"}, values[0])
        self.assertEqual(values[1], {"json"})
        self.assertEqual(values[2], {"reduce_space", "reduce_time"})
        self.assertEqual(values[3], {"cubic", "cubicspline"})
        self.assertIn("L8_L1TP", values[4])
        self.assertEqual(values[5], {"bash", "fish", "zsh"})

    def test_bash(self):
        self.check_shell("bash")
        self.assertEqual(self.ask("bash", "cube run --progress = j", "cube run -o fi", "cube run -- "),
                         [{"json"}, set(), set()])  # the second: names of files, by the shell

    @unittest.skipUnless(shutil.which("fish"), "there is no fish")
    def test_fish(self):
        self.check_shell("fish")

    @unittest.skipUnless(shutil.which("zsh"), "there is no zsh")
    def test_zsh(self):
        script = self.graph(cube("completion", "zsh").stdout, "_cube")
        said = subprocess.run(["zsh", "-f", "-n", script], capture_output=True, text=True)
        self.assertEqual((said.returncode, said.stderr), (0, ""))

    def test_other_shells(self):
        result = cube("completion", "tcsh")
        self.assertEqual(result.returncode, 2)
        self.assertRegex(result.stderr, r"^cube: error: cube completion: SHELL: tcsh not in \{.*bash.*\}")


if __name__ == "__main__":
    unittest.main()
