"""`cube plan --svg`, `--dot` and `--json`: three forms of the same facts, which a run bears out."""
import json
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree as xml

from program import DUMMY, Case, cube

SVG = "{http://www.w3.org/2000/svg}"


def dummy(bands, fill):
    return {**DUMMY, "nbands": bands, "fill": fill}


def apply(cube, expr, name="new"):
    return {"cube_type": "apply_pixel", "expr": [expr], "band_names": [name], "in_cube": cube}


CHAIN = {"cube_type": "reduce_time", "reducer_bands": [["median", "new_mean"]], "in_cube": {
    "cube_type": "window_space", "reducer_bands": [["mean", "new"]], "win_size_x": 5,
    "win_size_y": 3, "in_cube": apply(DUMMY, "(band2 - band1) / (band2 + band1)")}}
DIAMOND = {"version": 1, "cubes": {
    "a": DUMMY, "p": apply("a", "band1 < band2 && band1 > 1", "p"), "q": apply("a", "band2 + 1", "q")},
    "result": {"cube_type": "join_bands", "in_cubes": ["p", "q"]}}
JOIN = {"version": 1, "cubes": {
    "s2": dummy(3, 1), "scl": dummy(1, 2), "aux": dummy(2, 5), "dem": dummy(1, 7),
    "masked": {"cube_type": "mask", "predicate": "band1 == 3 || band1 == 8 || band1 == 9",
               "in_cube": "s2", "mask": "scl"}},
    "result": {"cube_type": "join_bands", "prefixes": ["s2", "aux", "dem"],
               "in_cubes": ["masked", "aux", "dem"]}}


def large():
    """25 nodes, some of them four layers apart."""
    cubes = {"scl": dummy(1, 1), "dem": dummy(1, 7)}
    for i in "abcd":
        cubes["s" + i] = dummy(2, ord(i))
        cubes["m" + i] = {"cube_type": "mask", "predicate": "band1 > 3", "in_cube": "s" + i,
                          "mask": "scl"}
        cubes["n" + i] = apply("m" + i, "(band2 - band1) / (band2 + band1)", "n")
        cubes["y" + i] = {"cube_type": "reduce_time", "reducer_bands": [["median", "n"]],
                          "in_cube": "n" + i}
    cubes["all"] = {"cube_type": "join_bands", "prefixes": list("abcd"),
                    "in_cubes": ["ya", "yb", "yc", "yd"]}
    cubes["ground"] = {"cube_type": "reduce_time", "reducer_bands": [["mean", "band1"]],
                       "in_cube": "dem"}
    cubes["both"] = {"cube_type": "join_bands", "in_cubes": ["all", "ground"]}
    cubes["sum"] = apply("both", "a.n_median + b.n_median + c.n_median + d.n_median + band1_mean",
                         "s")
    cubes["e"] = apply("sum", "s * 2", "e")
    cubes["f"] = apply("sum", "s * 3", "f")
    return {"version": 1, "cubes": cubes,
            "result": {"cube_type": "join_bands", "in_cubes": ["e", "f"]}}


GRAPHS = {"single": DUMMY, "chain": CHAIN, "diamond": DIAMOND, "join": JOIN, "large": large()}


def least_width(text, size):
    """Of a text in Arial or Helvetica, rather too narrow than too wide."""
    wide = {c: 0.83 for c in "mwMW@%"} | {c: 0.22 for c in "iljI|.,:;'! ()[]/ftr"}
    return size * sum(wide.get(c, 0.66 if c.isupper() else 0.55) for c in text)


class Picture(Case):
    def svg(self, graph, *more):
        name = graph if isinstance(graph, str) else self.graph(graph)
        result = cube("plan", name, "--svg", "-", *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return xml.fromstring(result.stdout)

    def plan(self, graph):
        return json.loads(cube("plan", self.graph(graph), "--json").stdout)

    def boxes(self, svg):
        """x, y, width, height and texts of each node, in the order of the graph."""
        out = []
        for group in svg.iter(SVG + "g"):
            rect = next(r for r in group.iter(SVG + "rect") if r.get("class") == "box")
            place = [float(rect.get(key)) for key in ("x", "y", "width", "height")]
            out.append((place, [t for t in group.iter(SVG + "text")]))
        return out

    def edges(self, svg):
        """First and last point of each edge."""
        out = []
        for path in svg.iter(SVG + "path"):
            if path.get("class") == "edge":
                numbers = [float(n) for n in re.findall(r"[-\d.]+", path.get("d"))]
                out.append((numbers[0:2], numbers[-2:]))
        return out

    def test_one_box_a_node_and_one_edge_an_input(self):
        for name, graph in GRAPHS.items():
            nodes = self.plan(graph)["nodes"]
            svg = self.svg(graph)
            boxes = self.boxes(svg)
            self.assertEqual([texts[0].text for _, texts in boxes], [n["cube_type"] for n in nodes])
            edges = self.edges(svg)
            self.assertEqual(len(edges), sum(len(n["inputs"]) for n in nodes), name)

            def box_at(point, bottom):
                for i, ((x, y, width, height), _) in enumerate(boxes):
                    edge = y + height if bottom else y - 7
                    if x < point[0] < x + width and abs(point[1] - edge) < 0.3:
                        return i
            drawn = sorted((box_at(a, True), box_at(b, False)) for a, b in edges)
            self.assertEqual(drawn, sorted((k, i) for i, n in enumerate(nodes)
                                           for k in n["inputs"]), name)
        self.assertEqual(len(boxes), 25)

    def test_boxes_are_apart_and_below_their_inputs(self):
        for name, graph in GRAPHS.items():
            svg = self.svg(graph)
            boxes = [place for place, _ in self.boxes(svg)]
            for i, (x, y, width, height) in enumerate(boxes):
                self.assertTrue(x >= 0 and x + width <= float(svg.get("width")), name)
                self.assertTrue(y >= 0 and y + height <= float(svg.get("height")), name)
                for x2, y2, width2, height2 in boxes[:i]:
                    apart = (x + width < x2 or x2 + width2 < x or y + height < y2
                             or y2 + height2 < y)
                    self.assertTrue(apart, name)
            for begin, end in self.edges(svg):
                self.assertLess(begin[1], end[1], name)

    def test_simple_graphs_have_no_crossings(self):
        for name in ("chain", "diamond", "join"):
            edges = self.edges(self.svg(GRAPHS[name]))
            for i, (a, b) in enumerate(edges):
                for c, d in edges[:i]:
                    if abs(a[1] - c[1]) < 40 and abs(b[1] - d[1]) < 40:  # of the same layer
                        self.assertGreaterEqual((a[0] - c[0]) * (b[0] - d[0]), 0, name)

    def test_texts_are_within_their_boxes(self):
        wide = apply(DUMMY, "band1 * " + " * ".join(["(band2 + 1234567)"] * 30), "W" * 60)
        for graph in [*GRAPHS.values(), wide]:
            for (x, y, width, height), texts in self.boxes(self.svg(graph)):
                for text in texts:
                    size = 14 if text.get("class") == "title" else 12
                    left = float(text.get("x"))
                    self.assertGreaterEqual(left, x)
                    self.assertLessEqual(left + least_width(text.text, size), x + width, text.text)
                    self.assertTrue(y < float(text.get("y")) < y + height, text.text)

    def test_what_xml_and_dot_quote_is_quoted(self):
        title = "R&D <of> \"it\" \\ ]]> naïve"
        graph = {"title": title, **DIAMOND}
        texts = [t.text for t in self.svg(graph).iter(SVG + "text")]
        self.assertEqual(texts[0], title)
        self.assertIn("expr: band1 < band2 && band1 > 1", texts)
        self.assertEqual(self.dot(graph)[2], [title, *texts[1:3]])

    def test_lines_tell_what_matters(self):
        texts = [t.text for t in self.boxes(self.svg(CHAIN))[1][1]]
        self.assertEqual(texts[:4], ["apply_pixel", "expr: (band2 - band1) / (band2 + band1)",
                                     "3 x 30 x 40, new float64", "1 request of 3 x 30 x 40"])
        texts = [t.text for t in self.boxes(self.svg(JOIN))[-1][1]]
        self.assertEqual(texts[:2], ["join_bands", "prefixes: s2, aux, dem"])
        self.assertIn("3 x 30 x 40, 6 bands float64", texts)

    def test_notes_stand_on_their_node(self):
        graph = {"cube_type": "select_time", "t": ["2020-02"], "in_cube": {
            "cube_type": "crop", "extent": {"left": 500, "right": 700}, "in_cube": DUMMY}}
        notes = self.plan(graph)["notes"]
        self.assertEqual(len(notes), 1, notes)
        flagged = [texts[0].text for _, texts in self.boxes(self.svg(graph))
                   if any(t.get("class") == "note" for t in texts)]
        self.assertEqual(flagged, ["crop"])

    def dot(self, graph):
        """Labels of nodes, edges and the label of the whole, of a strict reader of DOT."""
        text = cube("plan", self.graph(graph), "--dot", "-").stdout
        if shutil.which("dot"):
            drawn = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True)
            self.assertEqual((drawn.returncode, drawn.stderr), (0, ""))
        label = r'"(?:[^"\\]|\\.)*"'

        def lines(quoted):
            return [re.sub(r"\\(.)", r"\1", line)
                    for line in re.findall(r"((?:[^\\]|\\[^l])*)\\l", quoted[1:-1])]
        nodes, edges, caption = {}, [], None
        body = re.fullmatch(r"digraph cube \{\n(.*)\}\n", text, re.S).group(1)
        for statement in body.splitlines():
            if found := re.fullmatch(rf"  n(\d+) \[label=({label})(, [^\]]*)?\];", statement):
                nodes[int(found.group(1))] = lines(found.group(2))
            elif found := re.fullmatch(r"  n(\d+) -> n(\d+);", statement):
                edges.append((int(found.group(1)), int(found.group(2))))
            elif found := re.fullmatch(rf"  label=({label});", statement):
                caption = lines(found.group(1))
            else:
                self.assertRegex(statement, r"^  (rankdir=TB|labeljust=l|(node|edge) \[.*\]);$")
        return [nodes[i] for i in range(len(nodes))], edges, caption

    def test_dot_and_json_and_svg_agree(self):
        for name, graph in GRAPHS.items():
            plan = self.plan(graph)
            labels, edges, _ = self.dot(graph)
            self.assertEqual(sorted(edges), sorted((k, i) for i, n in enumerate(plan["nodes"])
                                                   for k in n["inputs"]), name)
            drawn = [[t.text for t in texts] for _, texts in self.boxes(self.svg(graph))]
            for node, label, texts in zip(plan["nodes"], labels, drawn, strict=True):
                self.assertEqual(label[0].split()[0], node["cube_type"])
                shape = " x ".join(map(str, node["shape"]))
                self.assertTrue(any(line.startswith(shape + ", ") for line in label), label)
                if node["requests"] > 0:
                    asked = " x ".join(map(str, node["request_shape"]))
                    self.assertTrue(any(re.fullmatch(rf"{node['requests']} requests? of {asked}", x)
                                        for x in label), label)
                self.assertEqual([t for t in texts if "..." not in t and t != node["where"][7:]][1:],
                                 [x for x in label[1:] if x in texts])

    def test_keys_of_a_node_are_in_order(self):
        plan = self.plan(CHAIN)
        self.assertEqual(plan["result"], 3)
        self.assertEqual(list(plan["nodes"][0]), [
            "cube_type", "where", "inputs", "kind", "arguments", "shape", "bands", "requests",
            "request_shape", "cells", "peak_bytes", "images", "files", "read_bytes"])
        self.assertEqual([n["kind"] for n in plan["nodes"]], ["source", "pixel", "space", "time"])
        self.assertEqual(self.plan(JOIN)["nodes"][-1]["kind"], "merge")
        self.assertEqual(plan["nodes"][1]["arguments"], {
            "expr": ["(band2 - band1) / (band2 + band1)"], "band_names": ["new"]})

    def test_a_run_asks_for_what_the_plan_says(self):
        for name, graph in GRAPHS.items():
            for chunk in ("1,300,400", "2,13,17"):
                file = self.graph(graph)
                limits = ["--threads", "1", "--chunk", chunk]
                plan = json.loads(cube("plan", file, "--json", *limits).stdout)
                run = cube("run", file, "-o", self.path("out.nc"), "--overwrite", "--stats",
                           self.path("stats.json"), *limits)
                self.assertEqual(run.returncode, 0, run.stderr)
                with open(self.path("stats.json")) as f:
                    nodes = json.load(f)["nodes"]
                for planned, done in zip(plan["nodes"], nodes, strict=True):
                    self.assertEqual((planned["requests"], planned["cells"]),
                                     (done["requests"], done["cells"]),
                                     (name, chunk, planned["where"]))

    def test_a_file_that_cannot_be_written_is_an_error(self):
        self.fails(2, "/no/such.svg: the picture cannot be written: ", "plan", self.graph(DUMMY), "--svg",
                   "/no/such.svg")
        self.fails(2, "/no/such.dot: the graph cannot be written: ", "plan", self.graph(DUMMY), "--dot",
                   "/no/such.dot")


if __name__ == "__main__":
    unittest.main()
