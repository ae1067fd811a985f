// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/weights/packed.h"

namespace ts {

/// How many rows with exact activations meet a matrix.
enum class WidePath {
  Tiles,   ///< as few rows do, to the bit
  Floats,  ///< own kernels for floats, over codes unpacked a slab at a time; of formats whose few rows go by digits
  OneDnn,  ///< oneDNN, over weights unpacked into a buffer
};

/// Which path a wide product takes in one format. Measured at the first wide product of a format on a machine, then kept in
/// $XDG_CACHE_HOME/tradespace, so that results do not change with the noise of a measurement.
struct KernelChoice {
  std::string format;               ///< "f16", "u4" ...: how codes are stored
  WidePath path = WidePath::Tiles;  ///< the other path that is taken by many rows
  std::int64_t switchOver = 0;      ///< rows from which it is; 0: never
  double tilesGops = 0, floatsGops = 0, dnnlGops = 0;  ///< of one core at 256 rows; floatsGops 0 where tiles are that
  std::string dnnlImplementation;

  std::string pathName() const;  ///< "tiles", "floats", or what oneDNN calls its implementation
};

/// Those that this process has asked for, for `bench` to print.
std::vector<KernelChoice> kernelChoices();

/// Those of every format, measured now where they have not been.
std::vector<KernelChoice> allKernelChoices();
/// "tiles", "floats" or "onednn" where a switch overrules all choices (TRADESPACE_WIDE, or the scalar instruction set); else empty.
std::string forcedWide();

/// The choice for a matrix and more than kNarrowRows rows, measured now if it must be; forcedWide() overrules it.
WidePath widePath(const PackedMatrix& matrix, std::int64_t rows);

/// out = in W^T by oneDNN for panels [panels.begin, panels.end), on the calling worker. `scratch` holds dnnlScratchFloats().
void multiplyByDnnl(const PackedMatrix& matrix, Range panels, ConstRows in, Rows out, float* scratch);
std::size_t dnnlScratchFloats(const PackedMatrix& matrix);

}  // namespace ts
