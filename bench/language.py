#!/usr/bin/env python3
"""SmolLM2-135M: perplexity of a text, tokens a second, memory, as stored (Q4_1), as floats and as our INT8 of it.

usage: bench/language.py INKLING EXAMPLE
"""
import os
import sys

from networks import folder, machine, run


def main():
    inkling, example = sys.argv[1:3]
    text = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "text", "harbour.txt")
    network = os.path.join(folder(inkling, "smollm2"), "SmolLM2-135M-Instruct.Q4_1.gguf")
    print(machine())
    for precision in ("stored", "float", "int8"):
        out, cpu, mib = run([example, network, text, precision])
        print(f"{precision}: {cpu:.1f} CPU s, {mib:.0f} MiB at most")
        print("".join(f"  {line}\n" for line in out.splitlines()), end="")


if __name__ == "__main__":
    main()
