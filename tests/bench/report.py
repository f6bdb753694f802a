"""The table of a benchmark, its verdicts, and the same as JSON."""
from dataclasses import asdict


def ratio(a, b):
    return a / b if a is not None and b else None


class Verdict:
    """An outcome against the job's targets, with the most threads that were measured."""

    def __init__(self, outcome, threads, by):
        self.outcome, self.threads, self.by = outcome, threads, by
        self.most = max(threads)
        judged = outcome.cube.runs and not outcome.cube.state and not outcome.tiny
        self.checks = list(self._checks()) if judged else []

    def peer_ratio(self, entry, threads):
        return ratio(entry.median(threads, self.by), self.outcome.cube.median(threads, self.by))

    def floor_ratio(self, threads):
        floor = self._entry("floor")
        return ratio(self.outcome.cube.median(threads, self.by),
                     floor.median(threads, self.by) if floor else None)

    def speedup(self):
        cube = self.outcome.cube
        return ratio(cube.median(1, "wall"), cube.median(2, "wall"))

    def _entry(self, name):
        return next((e for e in self.outcome.entries if e.name == name), None)

    def _peers(self):
        return [e for e in self.outcome.entries[1:] if e.name != "floor"]

    def _checks(self):
        """(what, measured, target, whether it is met); measured None = cannot be told here."""
        target, cube = self.outcome.job.target, self.outcome.cube
        for name, least in target.ahead.items():
            peers = self._peers() if name == "best" else [self._entry(name)]
            measured = [r for r in (self.peer_ratio(p, self.most) for p in peers if p) if r]
            value = min(measured) if measured else None
            yield f"{name} / cube", value, least, value and value >= least
        if target.floor is not None:
            value = self.floor_ratio(self.most)
            yield "cube / floor", value, target.floor, value and value <= target.floor
        for what, most, unit in (("memory", target.memory, " MB"), ("wall", target.seconds, " s")):
            value = cube.median(self.most, what)
            if most is not None:
                yield what + unit, value, most, value <= most
        if target.speedup is not None and {1, 2} <= set(self.threads):
            value = self.speedup()
            yield "speed-up", value, target.speedup, value >= target.speedup

    def text(self):
        if self.outcome.cube.state:
            return self.outcome.cube.state
        if self.outcome.tiny:
            return "ran"
        missed = [f"{what} {value:.3g} of {target:g}" for what, value, target, met in self.checks
                  if value is not None and not met]
        unknown = [what for what, value, _, _ in self.checks if value is None]
        text = "misses " + "; ".join(missed) if missed else "ok"
        return text + (f" (not told: {', '.join(unknown)})" if unknown else "")


def number(value, form):
    return form.format(value) if value is not None else "-"


def row(entry, verdict):
    """Cells of one contestant's line."""
    cells = [verdict.outcome.job.id, entry.name]
    for threads in verdict.threads:
        cells += [number(entry.median(threads, "wall"), "{:.2f}"),
                  number(entry.median(threads, "cpu"), "{:.2f}"),
                  number(entry.median(threads, "memory"), "{:.0f}")]
        if entry is verdict.outcome.cube:
            cells += ["", number(verdict.floor_ratio(threads), "{:.2f}")]
        else:
            peer = entry.name != "floor"
            cells += [number(verdict.peer_ratio(entry, threads), "{:.2f}") if peer else "", ""]
    if entry is verdict.outcome.cube:
        cells += [number(verdict.speedup(), "{:.2f}"), verdict.text()]
    else:
        cells += ["", entry.state or (entry.agreement or {}).get("text", "")]
    return cells


def header(threads):
    cells = ["job", "program"]
    for n in threads:
        cells += [f"wall {n}T", "CPU", "MB", "/cube", "/floor"]
    return [*cells, "speed-up", "verdict, or agreement with cube"]


def rows(outcomes, threads, by):
    for outcome in outcomes:
        verdict = Verdict(outcome, threads, by)
        for entry in outcome.entries:
            yield row(entry, verdict)


def text_table(outcomes, threads, by):
    lines = [header(threads), *rows(outcomes, threads, by)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]) - 1)]
    out = []
    for i, line in enumerate(lines):
        if i > 1 and line[0] != lines[i - 1][0]:
            out.append("")
        cells = [c.ljust(w) if k < 2 else c.rjust(w) for k, (c, w) in enumerate(zip(line, widths))]
        out.append("  ".join([*cells, line[-1]]).rstrip())
    return "\n".join(out)


def markdown_table(outcomes, threads, by):
    lines = [header(threads), ["---"] * (5 * len(threads) + 4), *rows(outcomes, threads, by)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def as_json(outcomes, threads, by):
    jobs = []
    for outcome in outcomes:
        verdict = Verdict(outcome, threads, by)
        jobs.append({
            "job": outcome.job.id, "title": outcome.job.title, "verdict": verdict.text(),
            "speedup": verdict.speedup(),
            "checks": [dict(zip(("what", "measured", "target", "met"), (w, v, t, bool(m))))
                       for w, v, t, m in verdict.checks],
            "contestants": [{
                "name": e.name, "state": e.state or "ran", "agreement": e.agreement,
                "runs": {str(n): [asdict(r) for r in runs] for n, runs in e.runs.items()},
            } for e in outcome.entries]})
    return {"ratios_by": by, "threads": list(threads), "jobs": jobs}
