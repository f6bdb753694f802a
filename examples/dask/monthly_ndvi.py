#!/usr/bin/env python3
"""Computes a graph on the workers of dask, which write it to a Zarr store chunk by chunk.

    cube sample try && cube catalog create try/s2.db try/archive
    examples/dask/monthly_ndvi.py try/monthly.json ndvi.zarr --workers 4
    examples/dask/monthly_ndvi.py try/monthly.json ndvi.zarr --scheduler tcp://10.0.0.1:8786

The client sends the graph document and regions, and no cells pass through it. With --scheduler the package, the
graph's files and the store have to be there for all workers under the same names.
"""
import argparse
import sys

import cube
import xarray
from distributed import Client, LocalCluster


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("graph", help="a graph document")
    parser.add_argument("store", help="the Zarr to make")
    parser.add_argument("--scheduler", help="address of a scheduler that runs; else workers are started here")
    parser.add_argument("--workers", type=int, help="processes to start here; default: as dask has it")
    arguments = parser.parse_args()

    cluster = None
    if not arguments.scheduler:
        # A thread a process: the engine reads files side by side in processes as well as in threads.
        cluster = LocalCluster(n_workers=arguments.workers, threads_per_worker=1, dashboard_address=None)
    with Client(arguments.scheduler or cluster) as client:
        graph = cube.open(arguments.graph)
        print(graph)
        graph.to_zarr(arguments.store, client=client,
                      progress=lambda done, chunks: print(f"\r{done} of {chunks} chunks", end="", file=sys.stderr))
        print(file=sys.stderr)

        # What was written is an ordinary dataset: a mean of each month, computed on the workers.
        dataset = xarray.open_zarr(arguments.store)
        name = next(iter(dataset.data_vars))
        print(dataset[name].mean(("y", "x")).to_series())
    if cluster:
        cluster.close()


if __name__ == "__main__":
    main()
