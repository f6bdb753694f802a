#!/usr/bin/python3
"""Runs a script of ../shared/bench/peers as it stands, but for one slip in it.

usage: shared_script.py SCRIPT ARGUMENT...

j34_dask.py builds the pattern of its input files as fD0 + '/{site}/...' where D0 + f'/{site}/...'
is meant, and stops with a NameError. The text is mended in memory; nothing is copied.
"""
import sys

script = sys.argv[1]
with open(script) as f:
    text = f.read().replace("fD0 + '/{site}/", "D0 + f'/{site}/")
sys.argv = sys.argv[1:]
exec(compile(text, script, "exec"), {"__name__": "__main__", "__file__": script})
