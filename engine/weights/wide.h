// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/weights/packed.h"

namespace ts {

/// Which path a wide product with exact activations takes in one format: the narrow kernels' tiles, or oneDNN over weights
/// unpacked into a buffer. Measured at the first wide product of a format on a machine, then kept in
/// $XDG_CACHE_HOME/tradespace, so that results do not change with the noise of a measurement.
struct KernelChoice {
  std::string format;              ///< "f16", "u4" ...: how codes are stored
  std::int64_t switchOver = 0;     ///< rows from which oneDNN is taken; 0: never
  double tilesGops = 0, dnnlGops = 0;  ///< of one core at 256 rows
  std::string dnnlImplementation;
};

/// Those that this process has asked for, for `bench` to print.
std::vector<KernelChoice> kernelChoices();

/// Those of every format, measured now where they have not been.
std::vector<KernelChoice> allKernelChoices();
/// "tiles" or "onednn" where a switch overrules all choices (TRADESPACE_WIDE, or the scalar instruction set); else empty.
std::string forcedWide();

/// The choice for a matrix, measured now if it must be. TRADESPACE_WIDE=tiles or =onednn overrules it.
bool takesDnnl(const PackedMatrix& matrix, std::int64_t rows);

/// out = in W^T by oneDNN for panels [panels.begin, panels.end), on the calling worker. `scratch` holds dnnlScratchFloats().
void multiplyByDnnl(const PackedMatrix& matrix, Range panels, ConstRows in, Rows out, float* scratch);
std::size_t dnnlScratchFloats(const PackedMatrix& matrix);

}  // namespace ts
