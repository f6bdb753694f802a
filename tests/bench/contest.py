"""Runs the contestants of a job in turn and compares what they make."""
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass, field

from inputs import (HERE, PYTHON, Missing, image_table, make_catalogs, make_inputs, missing_need,
                    warm)
from jobs import Tolerance
from measure import Failed, measure

TINY_CELLS = 256  # along each side of the tiny inputs, see tiny_data.py
COMPARED = (".tif", ".nc")  # other outputs are not
SAME_CELLS = Tolerance(largest=0)


@dataclass
class Entry:
    """One contestant of a job and what became of it."""
    name: str
    command: str
    out: str = ""  # suffix of its output; "" = none
    tolerance: Tolerance = SAME_CELLS
    state: str = ""  # "" = it ran; else why not: "missing: ...", "failed: ..."
    one_thread: bool = False
    runs: dict = field(default_factory=dict)  # threads -> list of Run
    agreement: dict | None = None

    def median(self, threads, what):
        runs = self.runs.get(threads)
        return statistics.median(getattr(run, what) for run in runs) if runs else None


@dataclass
class Outcome:
    job: object
    entries: list  # cube first; alone when it cannot run
    tiny: bool = False  # too small to be judged

    @property
    def cube(self):
        return self.entries[0]

    def failures(self):
        return [f"{self.job.id}, {entry.name}: {entry.state}" for entry in self.entries
                if entry.state.startswith("failed")] + [
            f"{self.job.id}, {entry.name}: the results differ" for entry in self.entries
            if entry.agreement and not entry.agreement["good"]]


def entries_of(job, setting, wanted):
    entries = [Entry("cube", job.cube, job.out)]
    if job.floor:
        state = "" if setting.floor else "missing: configure with -DCUBE_BENCH=ON"
        same = job.floor_tolerance
        entries.append(Entry("floor", job.floor, ".tif" if same else "", same, state=state))
    for peer in job.peers:
        lacks = [x for x in (missing_need(need, setting) for need in peer.needs) if x]
        state = "missing: " + ", ".join(lacks) if lacks else ""
        if not wanted(peer.name) or not (setting.tiny or peer.full):
            continue
        if not state and setting.tiny and not peer.tiny:
            state = "not on tiny inputs"
        entries.append(Entry(peer.name, peer.command, peer.out, peer.tolerance, state,
                             peer.one_thread))
    return entries


def tiny_view(job):
    """Cuts the grid of a job's graph down to the tiny inputs."""
    if not job.corner:
        return ""
    left, top, cell = job.corner
    return f"--set right={left + TINY_CELLS * cell} --set bottom={top - TINY_CELLS * cell}"


def command_of(entry, setting, out, threads, view=""):
    names = {**setting.names(), "out": shlex.quote(out), "threads": threads, "view": view}
    return shlex.split(entry.command.format(**names))


def cube_types(node):
    """All operators that a graph document names."""
    if isinstance(node, dict):
        own = [node["cube_type"]] if "cube_type" in node else []
        return own + [t for value in node.values() for t in cube_types(value)]
    if isinstance(node, list):
        return [t for value in node for t in cube_types(value)]
    return []


def not_there_yet(job, setting):
    """Why this build of cube cannot run the job, or ""."""
    if not job.graph:
        return ""
    path = os.path.join(HERE, "graphs", job.graph)
    with open(path) as f:
        used = cube_types(json.load(f))
    known = subprocess.run([setting.cube, "ops", "--json"], check=True, capture_output=True)
    have = {op["id"] for op in json.loads(known.stdout)}
    lacking = sorted(set(used) - have)
    if lacking:
        return "not there yet: " + ", ".join(lacking)
    sets = [word for s in job.sets for word in ("--set", *shlex.split(s.format(**setting.names())))]
    checked = subprocess.run([setting.cube, "check", path, *sets], capture_output=True, text=True)
    if "is not there yet" in checked.stderr:
        return "not there yet: " + checked.stderr.strip().splitlines()[0]
    return ""


def percent(share):
    """Never rounded to 0 or 100."""
    if share in (0, 1):
        return f"{share:.0%}"
    return f"{min(max(share, 1e-6), 1 - 1e-6):.4%}"


def lacks_tables(job, setting):
    """Why this build of cube cannot make catalogs from tables, where the job wants one, or ""."""
    if not job.tables:
        return ""
    text = subprocess.run([setting.cube, "catalog", "create", "--help"], check=True,
                          capture_output=True, text=True).stdout
    return "" if "--table" in text else "not there yet: cube catalog create --table"


class Contest:
    """One job: every contestant with every number of threads, in turn, several rounds."""

    def __init__(self, job, setting, options):
        self.job, self.setting, self.options = job, setting, options
        self.outcome = Outcome(job, entries_of(job, setting, options.wanted_peer),
                               setting.tiny)
        self.folder = os.path.join(setting.work, "out", job.id)

    def run(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        try:
            self.outcome.cube.state = self.prepare()
            if self.outcome.cube.state:
                self.outcome.entries = [self.outcome.cube]
                return self.outcome
            warm(self.job.inputs, self.setting)
            for _ in range(self.options.runs):
                self.round()
            self.compare_all()
        finally:
            if not self.options.keep:
                shutil.rmtree(self.folder, ignore_errors=True)
        return self.outcome

    def prepare(self):
        """Makes inputs and catalogs; why the job cannot run, or ""."""
        lacking = lacks_tables(self.job, self.setting)
        if lacking:
            return lacking
        names = self.setting.names()
        try:
            make_inputs(self.job.inputs, self.setting)
            for table in self.job.tables:
                image_table(table.format(**names), self.setting)
            make_catalogs([name.format(**names) for name in self.job.catalogs], self.setting)
        except Missing as missing:
            return f"missing: {missing}"
        return not_there_yet(self.job, self.setting)

    def path(self, entry, threads):
        name = "".join(c if c.isalnum() else "_" for c in entry.name)
        return os.path.join(self.folder, f"{name}-{threads}{entry.out}")

    def round(self):
        most = max(self.options.threads)
        for threads in self.options.threads:
            for entry in self.outcome.entries:
                once = entry.one_thread or (self.setting.tiny and entry is not self.outcome.cube)
                if not entry.state and (threads == most or not once):
                    self.run_once(entry, threads)

    def run_once(self, entry, threads):
        out = self.path(entry, threads)
        if os.path.exists(out):
            os.unlink(out)
        command = command_of(entry, self.setting, out, threads,
                             tiny_view(self.job) if self.setting.tiny else "")
        environment = self.setting.environment()
        if self.setting.tiny:
            environment["CUBE_BENCH_CELLS"] = str(TINY_CELLS)
        try:
            run = measure(command, environment, os.path.join(self.setting.work, "log.txt"),
                          self.job.expect if entry is self.outcome.cube else "",
                          sync=not self.setting.tiny)
        except Failed as failure:
            entry.state = f"failed: {failure}"
            return
        for n in self.options.threads if entry.one_thread else [threads]:
            entry.runs.setdefault(n, []).append(run)
        print(f"  {self.job.id:12s} {entry.name:24s} {threads} threads: wall {run.wall:7.2f} s, "
              f"CPU {run.cpu:7.2f} s, {run.memory:6.0f} MB", file=sys.stderr, flush=True)

    def compare_all(self):
        """Peers, and cube with other numbers of threads, against cube."""
        cube = self.outcome.cube
        if cube.state or cube.out not in COMPARED:
            return
        most = max(self.options.threads)
        ours = self.path(cube, most)
        for threads in self.options.threads:
            if threads != most:
                cube.agreement = self.compare(ours, self.path(cube, threads), SAME_CELLS)
        for entry in self.outcome.entries[1:]:
            if not entry.state and entry.out:
                entry.agreement = self.compare(ours, self.path(entry, most), entry.tolerance)

    def compare(self, ours, theirs, tolerance):
        command = [PYTHON, os.path.join(HERE, "compare.py"), ours, theirs, "--tolerance",
                   str(tolerance.largest)]
        if tolerance.value is not None:
            command += ["--missing", str(tolerance.value)]
        if tolerance.series:
            command.append("--series")
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines()
            return {"good": False, "text": f"not comparable: {lines[-1] if lines else ''}"}
        result = json.loads(done.stdout)
        result["tolerance"] = tolerance.largest
        equal = tolerance.equal
        if self.setting.tiny and tolerance.tiny_equal is not None:
            equal = tolerance.tiny_equal
        result["good"] = (result["valid"] > 0 and result["within"] >= equal
                          and result["missing_differ"] <= tolerance.missing)
        result["text"] = (
            f"{'agrees' if result['good'] else 'DIFFERS'}: {percent(result['within'])} within "
            f"{tolerance.largest:g} (largest {result['largest']:.2g}); missing differ "
            f"{percent(result['missing_differ'])}")
        return result
