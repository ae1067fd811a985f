// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <string>

namespace ts {

/// What decides the order and rounding of sums in this process, beside plan and model: the instruction set of the kernels, the
/// version of oneDNN, and from how many rows each format is multiplied in another way than few rows are, and in which. Two processes
/// with the same text (and the same engineVersion()) give the same bits. Measures the choices that have not been made on this machine yet (a second or two).
std::string arithmetic();

/// What else is worth knowing to repeat a run: "isa", "wide" (the choices above), "build.type", "build.flags",
/// "build.compiler", "library.onednn", "library.highway", "library.libc".
std::map<std::string, std::string> programProvenance();

}  // namespace ts
