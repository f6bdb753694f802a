#!/usr/bin/env python3
"""What a stranger gets wrong in graphs: each message says where, what was found and what would do."""
import copy
import json
import os
import unittest

from program import DUMMY, VIEW, Case, cube


class Notes(Case):
    def test_info_tells_what_check_tells(self):
        graph = self.graph({"cube_type": "filter_pixel", "predicate": "2 > 1", "in_cube": {
            "cube_type": "apply_pixel", "expr": "log(band1)", "band_names": "l", "keep_bands": False,
            "in_cube": DUMMY}})
        check = cube("check", graph)
        self.assertIn("cube: note: /predicate: names no band", check.stderr)
        info = cube("info", graph)
        self.assertEqual((info.returncode, info.stderr), (0, check.stderr))
        as_json = json.loads(cube("info", graph, "--json").stdout)
        self.assertEqual([note["where"] for note in as_json["notes"]], ["/predicate"])
        self.assertEqual(cube("info", graph, "--json").stderr, "")


if __name__ == "__main__":
    unittest.main()
