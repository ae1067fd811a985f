#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes arithmetic.jsonl.xz beside this file: 60 questions of each of ten kinds, in turn. The kinds are those of GPT-3's
arithmetic tests (Brown et al. 2020, arXiv 2005.14165, section 3.9.1); the numbers are drawn here, with a fixed seed."""
import json
import lzma
import pathlib
import random

draw = random.Random(2005_14165)


def sum_of(digits):
    a, b = draw.randrange(10**digits), draw.randrange(10**digits)
    return f"What is {a} plus {b}?", a + b


def difference_of(digits):
    a, b = draw.randrange(10**digits), draw.randrange(10**digits)
    return f"What is {a} minus {b}?", a - b


def product_of_two_digits():
    a, b = draw.randrange(100), draw.randrange(100)
    return f"What is {a} times {b}?", a * b


def three_one_digit_operations():
    a, b, c = (draw.randrange(10) for _ in range(3))
    first, second = draw.choice("+-*"), draw.choice("+-*")
    return f"What is {a}{first}({b}{second}{c})?", {"+": a.__add__, "-": a.__sub__, "*": a.__mul__}[first](
        {"+": b + c, "-": b - c, "*": b * c}[second])


kinds = {f"{digits}-digit sum": lambda digits=digits: sum_of(digits) for digits in (2, 3, 4, 5)}
kinds |= {f"{digits}-digit difference": lambda digits=digits: difference_of(digits) for digits in (2, 3, 4, 5)}
kinds |= {"2-digit product": product_of_two_digits, "3 one-digit operations": three_one_digit_operations}
lines = []
for _ in range(60):
    for kind, make in kinds.items():
        question, answer = make()
        lines.append(json.dumps({"kind": kind, "question": question, "answer": str(answer)}) + "\n")
pathlib.Path(__file__).with_name("arithmetic.jsonl.xz").write_bytes(lzma.compress("".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME))
