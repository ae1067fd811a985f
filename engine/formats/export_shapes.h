// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "engine/formats/export.h"

namespace ts {

struct ExportShapes {
  std::vector<LayerConfig> layers;  ///< heads, key/value heads and neurons of each layer, with the groups given
  bool differ = false;              ///< from the source's configuration
};

/// Reads each layer's heads and neurons off its tensors and checks that all of them fit together and the model around.
/// Errors: Unsupported, naming the tensor and the shape that the others ask for.
Result<ExportShapes> exportShapes(const Checkpoint& source, const std::map<std::string, const ExportTensor*>& tensors, std::span<const LayerConfig> layers);

}  // namespace ts
