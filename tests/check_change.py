"""Changes to a catalog at size: killed at any moment the old catalog is there, whole; readers see the
old or the new; what is read and written follows the change, not the catalog."""
import glob
import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest

from program import CUBE, Case, cube

IMAGES = 20000
MORE = 50
KILLS = 16


def rows(first, count):
    for i in range(first, first + count):
        x, y = -170 + i * 7919 % 3400 / 10, -60 + i * 104729 % 1200 / 10
        yield (f"i{i:06d},20{i % 20:02d}-01-01,f/{i}/B04.tif,f/{i}/B08.tif,{x},{y},{x + 1},{y + 1},"
               "EPSG:32631\n")


class Changes(Case):
    def setUp(self):
        super().setUp()
        header = "name,datetime,B04,B08,left,bottom,right,top,srs\n"
        for name, first, count in (("all.csv", 0, IMAGES), ("more.csv", IMAGES, MORE)):
            with open(self.path(name), "w") as file:
                file.write(header)
                file.writelines(rows(first, count))
        self.graph('{"bands": {"B04": {"dtype": "uint16"}, "B08": {"dtype": "uint16"}}}', "bands.json")
        made = cube("catalog", "create", self.path("c.db"), "--table", self.path("all.csv"),
                    "--format", self.path("bands.json"))
        self.assertEqual(made.returncode, 0, made.stderr)
        self.add = [CUBE, "catalog", "add", self.path("c.db"), "--table", self.path("more.csv"),
                    "--format", self.path("bands.json"), "--progress", "none"]

    def digest(self):
        with open(self.path("c.db"), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    def images(self):
        db = sqlite3.connect(self.path("c.db"))
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.assertEqual(db.execute("SELECT rtreecheck('image_extents')").fetchall(), [("ok",)])
        count = db.execute("SELECT count(*) FROM images").fetchone()[0]
        self.assertEqual(db.execute("SELECT count(*) FROM gdalrefs").fetchone()[0], 2 * count)
        self.assertEqual(db.execute("SELECT count(*) FROM image_extents").fetchone()[0], count)
        return count

    def test_killed_at_any_moment(self):
        shutil.copy(self.path("c.db"), self.path("old.db"))
        old = self.digest()
        subprocess.run(self.add, check=True, capture_output=True)
        self.assertEqual(self.images(), IMAGES + MORE)
        left_old = drafts = 0
        for i in range(KILLS):
            shutil.copy(self.path("old.db"), self.path("c.db"))
            if self.killed_while_writing(i * 0.001):
                drafts += 1
            if self.digest() == old:
                left_old += 1
            else:
                self.assertEqual(self.images(), IMAGES + MORE)
        self.assertGreater(left_old, 0)
        self.assertGreater(drafts, 0, "no kill came while the change was written")

    def killed_while_writing(self, later):
        """Kills a change `later` seconds after its draft appeared; whether the draft was still there.
        Waiting for the draft, rather than for a share of the time that a change takes, hits the
        writing however fast or busy the machine is."""
        change = subprocess.Popen(self.add, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while change.poll() is None and not glob.glob(self.path("c.db.part-*")):
            time.sleep(0.0005)
        time.sleep(later)
        change.send_signal(signal.SIGKILL)
        change.wait()
        parts = glob.glob(self.path("c.db.part-*"))
        for part in parts:
            os.remove(part)
        return bool(parts)

    def test_readers_see_the_old_or_the_new(self):
        seen = set()
        change = subprocess.Popen(self.add, stdout=subprocess.DEVNULL)
        while change.poll() is None:
            info = cube("catalog", "info", self.path("c.db"))
            self.assertEqual(info.returncode, 0, info.stderr)
            seen.add(int(info.stdout.split("images")[1].split()[0]))
        self.assertLessEqual(seen, {IMAGES, IMAGES + MORE})
        self.assertEqual(self.images(), IMAGES + MORE)

    def test_what_is_added_and_removed_again_leaves_the_same_answers(self):
        before = cube("catalog", "list", self.path("c.db"), "--json", "--bbox", "0,40,9,49").stdout
        subprocess.run(self.add, check=True, capture_output=True)
        names = [f"i{i:06d}" for i in range(IMAGES, IMAGES + MORE)]
        some = cube("catalog", "list", self.path("c.db")).stdout
        self.assertTrue(all(name in some for name in names))
        # By place and time, across the whole world, as the tree finds them.
        found = cube("catalog", "list", self.path("c.db"), "--bbox", "-180,-90,180,90", "--from",
                     "2000", "--to", "2030").stdout
        self.assertEqual(found, some)
        removed = cube("catalog", "remove", self.path("c.db"), "--images", ",".join(names))
        self.assertEqual(removed.returncode, 0, removed.stderr)
        self.assertIn(f"0 added, 0 changed, {MORE} removed; {IMAGES} images, {2 * IMAGES} files",
                      removed.stdout)
        self.assertEqual(self.images(), IMAGES)
        after = cube("catalog", "list", self.path("c.db"), "--json", "--bbox", "0,40,9,49").stdout
        self.assertEqual(after, before)
        self.assertGreater(len(before), 1000)

    def test_nothing_to_do_writes_nothing(self):
        subprocess.run(self.add, check=True, capture_output=True)
        before = os.stat(self.path("c.db"))
        subprocess.run(self.add, check=True, capture_output=True)
        after = os.stat(self.path("c.db"))
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))


if __name__ == "__main__":
    unittest.main()
