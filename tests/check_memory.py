"""What the process holds at most stays under --memory, as the kernel measures it, where much comes together: long
tables, and medians and modes of zones of far more cells than the budget holds. The numbers are right, too."""
import csv
import os
import random
import subprocess
import unittest

from program import CUBE, Case

NOISE = "abs(sin(ix * 12.9898 + iy * 78.233 + it * 0.37)) * 1000"


def cells(side, slices=1, expr=NOISE, dtype="float32"):
    return {"cube_type": "apply_pixel", "expr": expr, "band_names": "v", "dtype": dtype, "in_cube": {
        "cube_type": "dummy", "nbands": 1, "fill": 1, "view": {
            "space": {"left": 0, "right": side, "bottom": 0, "top": side, "dx": 1, "srs": "EPSG:32631"},
            "time": {"t0": "2020-01-01", "nt": slices, "t1": "2020-12-31"}}}}


def square(x, y, size):
    ring = [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
    return {"type": "Polygon", "coordinates": [ring]}


class Memory(Case):
    def features(self, geometries):
        crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}
        return self.graph({"type": "FeatureCollection", "crs": crs, "features": [
            {"type": "Feature", "properties": {"n": i}, "geometry": geometry}
            for i, geometry in enumerate(geometries)]}, "features.geojson")

    def measured(self, graph, output, memory, threads=2):
        child = subprocess.Popen([CUBE, "run", self.graph(graph), "-o", self.path(output), "--memory", f"{memory}M",
                                  "--threads", str(threads), "-q"])
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = 0
        self.assertEqual(status, 0)
        print(f"{graph['cube_type']}: budget {memory} MiB, used {usage.ru_maxrss / 1024:.0f} MiB")
        self.assertLess(usage.ru_maxrss / 1024, memory)
        return self.rows(output)

    def rows(self, output):
        # One by one: what this process holds would count for the next one it starts.
        with open(self.path(output)) as f:
            yield from csv.DictReader(f)

    def test_medians_of_a_zone_that_memory_does_not_hold(self):
        side, memory = 4500, 150  # 162 MB of cells as doubles
        zone = {"cube_type": "zonal", "wkt": f"POLYGON ((-1 -1, {side + 1} -1, {side + 1} {side + 1}, -1 {side + 1}, "
                                            "-1 -1))", "reducers": ["median", "p90", "mad", "count"],
                "in_cube": cells(side)}
        row, = self.measured(zone, "zone.csv", memory, threads=1)
        slices = {"cube_type": "reduce_space", "reducer_bands": [[r, "v"] for r in ("median", "p90", "mad")],
                  "in_cube": cells(side)}
        result = subprocess.run([CUBE, "run", self.graph(slices, "space.json"), "-o", self.path("space.nc"), "-q"])
        self.assertEqual(result.returncode, 0)
        dump = subprocess.run([CUBE, "run", self.graph({"cube_type": "extract", "wkt": f"POINT ({side / 2} {side / 2})",
                                                        "in_cube": slices}, "point.json"), "-o", self.path("space.csv"),
                               "-q"])
        self.assertEqual(dump.returncode, 0)
        expected, = self.rows("space.csv")
        self.assertEqual(int(row["v_count"]), side * side)
        for name in ("v_median", "v_p90", "v_mad"):
            self.assertAlmostEqual(float(row[name]), float(expected[name]), delta=5e-5)  # float32

    def test_mode_of_a_zone_that_memory_does_not_hold(self):
        side, memory = 5400, 200  # 233 MB of cells
        # A thousand values and one that comes more often; then all different but that one.
        for often, expr in ((1e6, "ix % 64 == 63 ? 1e6 : (ix * 7 + iy * 5) % 1000"),
                            (-3.5, f"ix % 64 == 63 ? -3.5 : ix + iy * {side}")):
            zone = {"cube_type": "zonal", "wkt": f"POLYGON ((0 0, {side} 0, {side} {side}, 0.5 {side}, 0 0))",
                    "reducers": ["mode", "count"], "weights": "coverage",
                    "in_cube": cells(side, 1, expr, "float64")}
            row, = self.measured(zone, f"zone{often}.csv", memory, threads=1)
            self.assertEqual(float(row["v_mode"]), often)
            self.assertAlmostEqual(float(row["v_count"]), side * side - side / 4, places=6)

    def test_a_long_table_of_points(self):
        side, points, slices = 2000, 10000, 60
        dice = random.Random(5)
        places = [(dice.randrange(side) + 0.5, dice.randrange(side) + 0.5) for _ in range(points)]
        file = self.features([{"type": "Point", "coordinates": place} for place in places])
        rows = self.measured({"cube_type": "extract", "file": file,
                              "in_cube": cells(side, slices, "ix + iy * 10000 + it * 1e8", "float64")}, "points.csv", 150)
        count = 0
        for row in rows:
            count += 1
            if count % 997:
                continue
            x, y = places[int(row["n"])]
            self.assertEqual(float(row["v"]) % 1e8, int(x) + int(side - y) * 10000)
        self.assertEqual(count, points * slices)

    def test_a_long_table_of_zones(self):
        side, slices = 1500, 10
        file = self.features([square(x, y, 10) for y in range(0, side, 10) for x in range(0, side, 10)])
        rows = self.measured({"cube_type": "zonal", "file": file, "reducers": ["mean", "median"],
                              "in_cube": cells(side, slices, "ix + it * 10000", "float64")}, "zones.csv", 170)
        count = 0
        for row in rows:
            count += 1
            if count % 997:
                continue
            column = int(row["n"]) % (side // 10)
            self.assertAlmostEqual(float(row["v_mean"]) % 10000, column * 10 + 4.5)
            self.assertEqual(row["v_mean"], row["v_median"])
        self.assertEqual(count, (side // 10) ** 2 * slices)


if __name__ == "__main__":
    unittest.main()
