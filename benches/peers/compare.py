#!/usr/bin/env python3
"""Decode and prefill of models beside llama.cpp's, on this machine.

    benches/peers/compare.py MODEL.gguf... [-p 512] [-n 128] [-d 0,2048] [-t 2] [-r 5]
        [--cpu TIER] [--busy-core] [--mode "--repack 0"]... [--json FILE]

llama-bench is what LLAMA_BENCH names, else what lies on PATH. With --work DIR it is built there first, once, of
llama.cpp's sources as llama-cpp-python carries them, by clang, for this very processor; nothing of it is in this
repository. ingle is what INGLE names, else built from this repository.

Every round measures ingle and each of llama.cpp's modes in turn, so that whatever else the machine does meets all of
them. A mode is a set of llama-bench's own options; without --mode it is measured with its repacked weights and without,
for either may be the faster one. Printed are medians, their spread, and how many times as fast ingle is as the fastest
of those modes: the median of the rounds' ratios, and the least and the most of them.

--cpu TIER has ingle use a plainer kernel set (INGLE_CPU); LLAMA_BENCH then names a llama-bench built for the same.
--busy-core starts a process that spins on one of the processors while everything is measured.

A model of the right shape is enough, since speed does not depend on what the weights say.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shlex
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
MODES = ["--repack 1", "--repack 0"]
# What --work builds: llama.cpp's newest state that its Python package carries at the time of writing, ggml 0.25.3.
PACKAGE, VERSION = "llama-cpp-python", "0.3.36"
OFF = ["GGML_OPENMP", "BUILD_SHARED_LIBS", "LLAMA_CURL", "LLAMA_OPENSSL"]
OFF += [f"LLAMA_BUILD_{part}" for part in ("APP", "EXAMPLES", "SERVER", "TESTS", "UI")]
OPTIONS = ["-DCMAKE_BUILD_TYPE=Release", "-DGGML_NATIVE=ON", "-DCMAKE_C_COMPILER=clang", "-DCMAKE_CXX_COMPILER=clang++"]


def say(text):
    print(text, file=sys.stderr, flush=True)


def call(*command, **options):
    subprocess.run([str(c) for c in command], check=True, stdout=sys.stderr, **options)


def llama_bench(work):
    """The path of llama-bench: built in `work`, or found."""
    if work:
        return built(work.resolve())
    if found := os.environ.get("LLAMA_BENCH") or shutil.which("llama-bench"):
        return pathlib.Path(found)
    sys.exit("llama-bench is not on PATH: name it in LLAMA_BENCH, or let --work DIR build it")


def built(work):
    program = work / f"llama.cpp-{VERSION}" / "build" / "bin" / "llama-bench"
    if program.exists():
        return program
    if missing := [tool for tool in ("clang", "clang++", "cmake") if not shutil.which(tool)]:
        sys.exit(f"{missing[0]} is needed to build llama.cpp and is not installed")
    say(f"Building llama.cpp of {PACKAGE} {VERSION} in {work}: some minutes, once.")
    build, source = program.parents[1], program.parents[2] / "source"
    if not source.exists():
        python = work / "venv" / "bin" / "python"
        call(sys.executable, "-m", "venv", work / "venv")
        package = work / "package"
        call(python, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", PACKAGE, "-d", package, f"{PACKAGE}=={VERSION}")
        with tarfile.open(next(package.glob(f"*{VERSION}.tar.gz"))) as tar:
            tar.extractall(package)
        source.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(next(package.glob(f"*{VERSION}/vendor/llama.cpp")), source)
    call("cmake", "-S", source, "-B", build, *OPTIONS, *(f"-D{option}=OFF" for option in OFF))
    call("cmake", "--build", build, "--target", "llama-bench", "-j", os.cpu_count() or 1)
    return program


def ingle():
    """The path of ingle, built from this repository unless INGLE names one."""
    if named := os.environ.get("INGLE"):
        return pathlib.Path(named)
    call("cargo", "build", "--release", cwd=REPOSITORY)
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "release" / "ingle"


@contextlib.contextmanager
def busy_core(wanted):
    """A process that takes the first of our processors, as long as this lasts."""
    if not wanted:
        yield
        return
    core = min(os.sched_getaffinity(0))
    spin = f"import os\nos.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
    spinning = subprocess.Popen([sys.executable, "-c", spin])
    try:
        yield
    finally:
        spinning.kill()
        spinning.wait()


def records(command, environment):
    """What a bench says of its tests, by (prompt, answer, depth); None where it cannot do what it was asked for."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        say(f"{shlex.join(map(str, command))}: {done.stderr.strip()}")
        return None
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {(r["n_prompt"], r["n_gen"], r["n_depth"]): r["avg_ts"] for r in lines}


def name_of(test):
    n_prompt, n_gen, n_depth = test
    return (f"pp{n_prompt}" if n_prompt else f"tg{n_gen}") + (f" @ d{n_depth}" if n_depth else "")


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def shown(values, form):
    return f"{values['median']:{form}}  ({values['min']:.2f} to {values['max']:.2f})"


def measure(programs, tests, rounds, environment):
    """Rates of each program in each test, one a round: {program: {test: [rate]}}. Programs that fail are left out."""
    samples = {name: {test: [] for test in tests} for name in programs}
    for number in range(rounds):
        for name, command in programs.items():
            found = records(command, environment) if name in samples else None
            if name in samples and (found is None or any(test not in found for test in tests)):
                say(f"{name} is left out")
                del samples[name]
                continue
            for test in tests if found else ():
                samples[name][test].append(found[test])
        say(f"round {number + 1} of {rounds}")
    return samples


def judge(samples, test):
    """One test's figures: each program's spread, and the ratio to the fastest peer, round by round."""
    rates = {name: spread(of_test[test]) for name, of_test in samples.items()}
    peers = [name for name in rates if name != "ingle"]
    figures = {"test": name_of(test), "rates": rates}
    if "ingle" in rates and peers:
        best = max(peers, key=lambda name: rates[name]["median"])
        ratios = [own / other for own, other in zip(samples["ingle"][test], samples[best][test])]
        figures |= {"fastest_peer": best, "ratio": spread(ratios)}
    return figures


def show(figures):
    width = max(len(name) for name in figures["rates"])
    for name, rate in figures["rates"].items():
        print(f"{figures['test']:>16}  {name:<{width}}  {shown(rate, '9.2f')} t/s")
    if ratio := figures.get("ratio"):
        print(f"{figures['test']:>16}  ingle / {figures['fastest_peer']}: {shown(ratio, '.2f')}", flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=pathlib.Path, metavar="MODEL")
    parser.add_argument("--work", type=pathlib.Path, help="build llama.cpp here")
    parser.add_argument("-p", "--prompt", default="512", help="tokens of prefill, by commas; 0: none")
    parser.add_argument("-n", "--generate", default="128", help="tokens of decode, by commas; 0: none")
    parser.add_argument("-d", "--depth", default="0", help="tokens in the context before, by commas")
    parser.add_argument("-t", "--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("-r", "--rounds", type=int, default=5)
    parser.add_argument("-ctk", "--cache-type-k", default="f16")
    parser.add_argument("-ctv", "--cache-type-v", default="f16")
    parser.add_argument("--cpu", help="ingle's kernel set: scalar, avx2, ...")
    parser.add_argument("--busy-core", action="store_true", help="have another process take one core")
    parser.add_argument("--mode", action="append", help="options of llama-bench; may be repeated")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures here, too")
    return parser.parse_args()


def main():
    asked = arguments()
    bench, own = llama_bench(asked.work), ingle()
    number = lambda text: [int(n) for n in text.split(",")]
    tests = [(p, 0, d) for d in number(asked.depth) for p in number(asked.prompt) if p]
    tests += [(0, n, d) for d in number(asked.depth) for n in number(asked.generate) if n]
    kv = ["-ctk", asked.cache_type_k, "-ctv", asked.cache_type_v]
    common = ["-p", asked.prompt, "-n", asked.generate, "-d", asked.depth, "-t", asked.threads, *kv, "-r", 1, "-o", "jsonl"]
    results = []
    with tempfile.TemporaryDirectory() as home, busy_core(asked.busy_core):
        # A home of its own: what is measured here is not kept among the results of whoever measures.
        environment = os.environ | {"INGLE_HOME": home} | ({"INGLE_CPU": asked.cpu} if asked.cpu else {})
        for model in asked.models:
            programs = {"ingle": [own, "bench", model, *common]}
            for mode in asked.mode or MODES:
                programs[f"llama.cpp {mode}".strip()] = [bench, "-m", model, *common, *shlex.split(mode)]
            taken = ", one core taken" if asked.busy_core else ""
            print(f"{model.name}, {asked.threads} threads{taken}, median (least to most) of {asked.rounds} rounds", flush=True)
            samples = measure(programs, tests, asked.rounds, environment)
            figures = [judge(samples, test) for test in tests] if samples else []
            for of_test in figures:
                show(of_test)
            about = {"threads": asked.threads, "cpu": asked.cpu, "busy_core": asked.busy_core, "rounds": asked.rounds}
            results.append({"model": model.name, **about, "tests": figures})
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
