#!/usr/bin/env python3
"""Decode and prefill of one model beside llama.cpp's, on this machine.

    benches/peers/compare.py MODEL.gguf --work DIR [--threads 2] [--rounds 5] [--prompt 512] [--generate 128]

DIR holds what is built and lies outside the repository: llama.cpp, as llama-cpp-python carries it, with its own
llama-bench. It is built once, by clang, for this very processor. Needed besides: python3 with venv, cmake, clang, and
ninja or make (Debian: apt-get install clang cmake ninja-build python3-venv).

ingle and llama.cpp (with and without its repacked weights, for either may be the faster one) are measured in turn, each
round anew, so that whatever else the machine does meets all of them. Printed are the medians over the rounds, the spread,
and what ingle's is of the better llama.cpp.

A model of the right shape is enough, since speed does not depend on what the weights say.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tarfile

# llama.cpp's newest state that its Python package carries at the time of writing: ggml 0.25.3.
PACKAGE = "llama-cpp-python"
VERSION = "0.3.36"
OPTIONS = [
    "-DCMAKE_BUILD_TYPE=Release",
    "-DCMAKE_C_COMPILER=clang",
    "-DCMAKE_CXX_COMPILER=clang++",
    "-DGGML_NATIVE=ON",
    "-DGGML_OPENMP=OFF",
    "-DBUILD_SHARED_LIBS=OFF",
    "-DLLAMA_CURL=OFF",
    "-DLLAMA_OPENSSL=OFF",
    "-DLLAMA_BUILD_APP=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_SERVER=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_UI=OFF",
]
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def say(text):
    print(text, file=sys.stderr, flush=True)


def call(*command, **options):
    subprocess.run([str(c) for c in command], check=True, stdout=sys.stderr, **options)


def llama_bench(work):
    """The path of llama-bench, built if it is not there yet."""
    program = work / f"llama.cpp-{VERSION}" / "build" / "bin" / "llama-bench"
    if program.exists():
        return program
    for tool in ("clang", "clang++", "cmake"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is needed to build llama.cpp and is not installed")
    say(f"Building llama.cpp of {PACKAGE} {VERSION} in {work}: some minutes, once.")
    work.mkdir(parents=True, exist_ok=True)
    python = work / "venv" / "bin" / "python"
    if not python.exists():
        call(sys.executable, "-m", "venv", work / "venv")
    source = work / f"llama.cpp-{VERSION}" / "source"
    if not source.exists():
        package = f"{PACKAGE}=={VERSION}"
        call(python, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", PACKAGE, "-d", work / "package", package)
        archive = next((work / "package").glob(f"*{VERSION}.tar.gz"))
        with tarfile.open(archive) as tar:
            tar.extractall(work / "package")
        carried = next((work / "package").glob(f"*{VERSION}/vendor/llama.cpp"))
        source.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(carried, source)
    build = program.parents[1]
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    call("cmake", "-S", source, "-B", build, *generator, *OPTIONS)
    call("cmake", "--build", build, "--target", "llama-bench", "-j", os.cpu_count() or 1)
    return program


def ingle():
    """The path of ingle, built from this repository unless INGLE names one."""
    if named := os.environ.get("INGLE"):
        return pathlib.Path(named)
    call("cargo", "build", "--release", cwd=REPOSITORY)
    target = os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")
    return pathlib.Path(target) / "release" / "ingle"


def speed(command):
    """Tokens per second of one test."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
    records = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return records[-1]["avg_ts"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="where llama.cpp is built")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prompt", type=int, default=512, help="tokens of prefill")
    parser.add_argument("--generate", type=int, default=128, help="tokens of decode")
    asked = parser.parse_args()

    bench, own = llama_bench(asked.work.resolve()), ingle()
    common = ["-t", asked.threads, "-r", 1, "-o", "jsonl"]
    programs = {
        "ingle": [own, "bench", asked.model, *common],
        "llama.cpp": [bench, "-m", asked.model, *common],
        "llama.cpp --repack 0": [bench, "-m", asked.model, *common, "--repack", 0],
    }
    tests = {f"pp{asked.prompt}": ["-p", asked.prompt, "-n", 0], f"tg{asked.generate}": ["-p", 0, "-n", asked.generate]}
    print(f"{asked.model.name}, {asked.threads} threads, tokens per second: median (least to most) of {asked.rounds} rounds")
    for test, arguments in tests.items():
        samples = {name: [] for name in programs}
        for number in range(asked.rounds):
            for name, command in programs.items():
                samples[name].append(speed([*command, *arguments]))
                say(f"{test} round {number + 1}: {name} {samples[name][-1]:.2f}")
        medians = {name: statistics.median(values) for name, values in samples.items()}
        for name, values in samples.items():
            print(f"{test:>8}  {name:<22} {medians[name]:8.2f}  ({min(values):.2f} to {max(values):.2f})")
        best = max(value for name, value in medians.items() if name != "ingle")
        print(f"{test:>8}  ingle is {100 * medians['ingle'] / best:.0f} % of the better llama.cpp", flush=True)


if __name__ == "__main__":
    main()
