"""The JSON Schema of `cube schema` as an independent validator sees it: all graphs that run are valid, those of older
versions of gdalcubes too, and those that fail by a key or a type are not. Skipped where python3-jsonschema is not installed."""
import glob
import json
import os
import re
import shutil
import sys
import tempfile
import unittest

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)

from check_compat import filled
from program import cube

SOURCE = os.environ["CUBE_SOURCE"]
# Messages that are about what stands in the document, not about what it means.
STRUCTURAL = re.compile(r"expected (a|an|one of|true) .*, found|there is no argument|the argument '.*' is missing|"
                        r"the input '.*' is missing|there is no cube_type|a cube needs a|'.*' is none of ")
# Of them, what a schema cannot see: a text that stands for a record is read by what it means.
BY_MEANING = re.compile(r"is none of the \d+ ")


def cases(folder):
    for file in sorted(glob.glob(os.path.join(SOURCE, "tests", folder, "*.json"))):
        with open(file) as f:
            tests = json.load(f)
        for i, case in enumerate(tests if isinstance(tests, list) else [tests]):
            if "graph" in case:
                yield f"{os.path.basename(file)} {i} {case.get('title', '')}", case


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schema = json.loads(cube("schema").stdout)
        jsonschema.Draft202012Validator.check_schema(cls.schema)
        cls.validator = jsonschema.Draft202012Validator(cls.schema)

    def valid(self, graph):
        # Against the node's own operator: of "anyOf" each failure is as long as all operators.
        kind = graph.get("cube_type") if isinstance(graph, dict) else None
        if kind in self.schema["$defs"]:
            part = {"$ref": f"#/$defs/{kind}", "$defs": self.schema["$defs"]}
            return jsonschema.Draft202012Validator(part).is_valid(graph)
        return self.validator.is_valid(graph)

    def test_examples_of_the_help(self):
        operators = json.loads(cube("ops", "--json").stdout)
        self.assertGreater(len(operators), 40)
        for operator in operators:
            with self.subTest(operator["id"]):
                self.assertTrue(self.validator.is_valid(operator["example"]))

    def test_golden_graphs(self):
        seen = 0
        for name, case in cases("ops"):
            if "error" not in case:
                seen += 1
                with self.subTest(name):
                    self.assertTrue(self.valid(case["graph"]))
        self.assertGreater(seen, 300)

    def test_golden_mistakes(self):
        seen = 0
        for name, case in cases("ops"):
            error = case.get("error", "")
            if STRUCTURAL.search(error) and not BY_MEANING.search(error):
                seen += 1
                with self.subTest(name, error=error):
                    self.assertFalse(self.valid(case["graph"]))
        self.assertGreater(seen, 5)

    def test_wrong_values(self):
        """Where the schema refuses something, so does the program, of which some are asked."""
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder, True)
        for operator in json.loads(cube("ops", "--json").stdout):
            keys = [p["name"] for p in operator["parameters"]]
            for key, value in [(key, {"no": {"no": [1]}}) for key in keys] + [("zzz", 1)]:
                graph = {**operator["example"], key: value}
                with self.subTest(operator["id"], key=key):
                    self.assertFalse(self.valid(graph))
                    if key in (keys[0], keys[-1], "zzz"):
                        self.assertRegex(self.said_of(graph, folder), STRUCTURAL)

    def said_of(self, graph, folder):
        with open(os.path.join(folder, "g.json"), "w") as f:
            json.dump(graph, f)
        return cube("check", f.name).stderr

    def test_required_keys(self):
        for operator in json.loads(cube("ops", "--json").stdout):
            needed = [x["name"] for x in operator["parameters"] + operator["inputs"] if x["required"]]
            for key in needed + ["cube_type"]:
                graph = {k: v for k, v in operator["example"].items() if k != key}
                with self.subTest(operator["id"], key=key):
                    self.assertFalse(self.validator.is_valid(graph))

    def test_graphs_of_gdalcubes(self):
        for name, case in cases("compat"):
            with self.subTest(name):
                self.assertTrue(self.valid(filled(case["graph"])), "gdalcubes")
                self.assertTrue(self.valid(filled(case["equal"])), "ours")

    def test_older_forms_are_no_others(self):
        """Keys of older forms beside those of today, or without all they need."""
        cases_of = {name: case["graph"] for name, case in cases("compat") if case.get("older")}
        self.assertGreater(len(cases_of), 3)
        view = {"tile": {"x": 1, "y": 1, "z": 2}, "time": {"t0": "2020", "t1": "2020", "dt": "P1Y"}}
        dummy = {"cube_type": "dummy", "view": view}
        self.assertTrue(self.valid(dummy))
        two = {"cube_type": "join_bands", "A": dummy, "B": dummy}
        self.assertTrue(self.valid(two))
        one = {"cube_type": "reduce", "reducer": "mean", "nthreads": 2, "in_cube": dummy}
        for wrong in ({"cube_type": "dummy", "view": {**view, "tile": {"x": 1, "y": 1}}},
                      {"cube_type": "dummy", "view": {**view, "space": {"tile": "1,1,2"}}},
                      {"cube_type": "dummy", "view": {"time": view["time"]}},
                      {**two, "in_cubes": [dummy, dummy]}, {**two, "C": dummy},
                      {"cube_type": "join_bands", "A": dummy}, {"cube_type": "join_bands", "prefix_A": "a"},
                      {"cube_type": "join_bands", "in_cubes": [dummy, dummy], "prefix_A": "a"},
                      {**one, "cube_type": "reduce_time"}):
            with self.subTest(wrong):
                self.assertFalse(self.valid(wrong))
                self.assertRegex(self.said_of(wrong, tempfile.gettempdir()), "cube: error")

    def test_documents(self):
        node = {"cube_type": "dummy", "view": json.loads(cube("ops", "dummy", "--json").stdout)[0]["example"]["view"]}
        document = {"version": 1, "parameters": {"n": 2}, "cubes": {"a": {**node, "nbands": "${n}"}}, "result": "a",
                    "outputs": [{"file": "a.tif", "options": {"LEVEL": 6}}]}
        self.assertTrue(self.validator.is_valid(document))
        for change in ({"version": 2}, {"result": 3}, {"outputs": {}}, {"outputs": [{}]}, {"results": "a"},
                       {"cubes": {"a": {**node, "nbands": "two"}}}, {"cubes": {"a": {**node, "nband": 2}}}):
            with self.subTest(change):
                self.assertFalse(self.validator.is_valid({**document, **change}))


if __name__ == "__main__":
    unittest.main()
