"""What the tests of the program share: running it, a folder for each test, graphs to feed it."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

CUBE = os.environ["CUBE"]
VIEW = {"space": {"left": 0, "right": 400, "bottom": 0, "top": 300, "dx": 10, "srs": "EPSG:32631"},
        "time": {"t0": "2020-01", "t1": "2020-03", "dt": "P1M"}}
DUMMY = {"cube_type": "dummy", "nbands": 2, "fill": 3, "view": VIEW}


def cube(*arguments, stdin=None, **more):
    return subprocess.run([CUBE, *arguments], capture_output=True, text=True, input=stdin, **more)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def graph(self, document, name="graph.json"):
        with open(self.path(name), "w") as f:
            f.write(document if isinstance(document, str) else json.dumps(document))
        return self.path(name)

    def fails(self, status, text, *arguments, **more):
        """The command ends with `status` and an error that contains `text`."""
        result = cube(*arguments, **more)
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertIn(text, result.stderr)
        self.assertTrue(result.stderr.startswith("cube: error: "), result.stderr)
        return result

    def rejects(self, text, *arguments, **more):
        """Exit status 2, and the error is exactly `text`; FOLDER stands for the test's folder."""
        result = cube(*arguments, **more)
        self.assertEqual(result.stderr.replace(self.folder, "FOLDER"), f"cube: error: {text}\n")
        self.assertEqual(result.returncode, 2)
        return result
