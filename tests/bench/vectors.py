"""Indexes of vectors: bench_vectors.c, whose figures are told as it prints them."""
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def rows(rig):
    if not rig.wanted("vectors"):
        return
    rig.title("vectors, COSINE, processor time")
    build = os.path.join(ROOT, "build", "release")
    tool = os.path.join(ROOT, "build", "bench", "bench_vectors")
    archives = [os.path.join(build, "lib%s.a" % name) for name in ("vector", "base")]
    os.makedirs(os.path.dirname(tool), exist_ok=True)
    subprocess.run(["make", "-s", *(os.path.relpath(a, ROOT) for a in archives)], cwd=ROOT, check=True)
    subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-I", ROOT, "-o", tool, os.path.join(HERE, "bench_vectors.c"), *archives,
                    "-lpcre2-8", "-ljemalloc", "-lpthread", "-lm"], check=True)
    out = subprocess.run([tool, "10000" if rig.quick else "100000"], check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        kind, algorithm, figures = line.split(" ", 1)[0], line.split()[1], dict(f.split("=") for f in line.split()[2:])
        for name, unit in (("knn10", "ms"), ("queries", "/s"), ("recall", ""), ("put", "us"), ("slowest_put", "ms"), ("build", "s"), ("bytes", "B")):
            rig.row("vectors %s %s %s" % (kind, algorithm, name), unit, float(figures[name]), None, None)
