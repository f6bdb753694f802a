"""Changes to a catalog at size: killed at any moment the old catalog is there, whole; readers see the
old or the new; what is read and written follows the change, not the catalog."""
import fcntl
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

    def killed_while_writing(self, later, keep=False):
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
        for part in [] if keep else parts:
            os.remove(part)
        return bool(parts)

    def test_what_a_killed_change_left_goes_with_the_next(self):
        while not self.killed_while_writing(0, keep=True):
            pass
        held = self.path("c.db.part-1")  # of a living process, in another container perhaps
        with open(held, "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            others = ["c.db.part-", "c.db.part-x", "cc.db.part-2", "c.db.part-3.tif"]
            for name in others:
                open(self.path(name), "w").close()
            subprocess.run(self.add, check=True, capture_output=True)
            self.assertEqual(self.images(), IMAGES + MORE)
            left = {os.path.basename(name) for name in glob.glob(self.path("*.part-*"))}
            self.assertEqual(left, {"c.db.part-1", *others})
        made = cube("catalog", "create", self.path("c.db"), "--overwrite", "--table",
                    self.path("more.csv"), "--format", self.path("bands.json"))
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertFalse(os.path.exists(held), "nobody holds it any more")

    def side_by_side(self, *more):
        """Adds an image each in processes that start at one time; how many failed."""
        count = 8
        commands = []
        for i in range(count):
            name = self.path(f"one{i}.csv")
            with open(name, "w") as file:
                file.write("name,datetime,B04,B08,left,bottom,right,top,srs\n")
                file.writelines(rows(IMAGES + 1000 + i, 1))
            commands.append([CUBE, "catalog", "add", self.path("c.db"), "--table", name,
                             "--format", self.path("bands.json"), "--progress", "none", *more])
        processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                      text=True) for command in commands]
        errors = [process.communicate()[1] for process in processes]
        failed = [process.returncode for process in processes if process.returncode != 0]
        refused = [error for error in errors if "is being changed by another process (wait" in error]
        self.assertEqual(failed, [2] * len(refused))
        self.assertEqual(self.images(), IMAGES + count - len(failed), "an addition was lost")
        return len(failed)

    def test_changes_side_by_side_wait_for_each_other(self):
        self.assertEqual(self.side_by_side("--wait", "60"), 0)

    def test_changes_side_by_side_are_refused_or_done(self):
        self.side_by_side("--wait", "0")
        before = self.images()
        with open(self.path("c.db")) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            add = subprocess.run([*self.add, "--wait", "0"], capture_output=True, text=True)
        self.assertEqual(add.returncode, 2)
        self.assertIn("is being changed by another process (wait", add.stderr)
        self.assertEqual(self.images(), before)
        self.rejects("cube catalog update: --wait: Value -1 not in range 0 to 86400 "
                     "(see cube catalog update --help)", "catalog", "update", self.path("c.db"),
                     "--wait", "-1")

    def test_a_new_catalog_waits_for_who_changes_the_old(self):
        create = [CUBE, "catalog", "create", self.path("c.db"), "--table", self.path("more.csv"),
                  "--format", self.path("bands.json"), "--progress", "none"]
        with open(self.path("c.db")) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            anew = subprocess.Popen([*create, "--overwrite"], stdout=subprocess.DEVNULL)
            time.sleep(0.5)
            self.assertIsNone(anew.poll(), "it did not wait")
            self.assertEqual(self.images(), IMAGES)
        self.assertEqual(anew.wait(), 0)
        self.assertEqual(self.images(), MORE)

    def test_two_new_catalogs_of_one_name(self):
        """Without --overwrite the second, which began before the first was done, is refused."""
        os.remove(self.path("c.db"))
        create = [CUBE, "catalog", "create", self.path("c.db"), "--table", self.path("all.csv"),
                  "--format", self.path("bands.json"), "--progress", "none"]
        makers = [subprocess.Popen(create, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   text=True) for _ in range(4)]
        errors = [maker.communicate()[1] for maker in makers]
        statuses = sorted(maker.returncode for maker in makers)
        self.assertEqual(statuses[0], 0)
        for status in statuses[1:]:
            self.assertIn(status, (1, 2))  # 2 where it was seen before any work
        self.assertEqual(sum("exists already (--overwrite replaces it)" in e for e in errors), 3)
        self.assertEqual(self.images(), IMAGES)
        self.assertEqual(glob.glob(self.path("*.part-*")), [])

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
