// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/model_path.h"
#include "engine/decoding/decoder.h"
#include "engine/formats/checkpoint.h"

namespace ts {

Result<std::shared_ptr<const Model>> loadModel(const std::string& source, ThreadPool& pool) {
  TS_TRY(const auto path, modelPath(source));
  TS_TRY(const Checkpoint checkpoint, openCheckpoint(path));
  return buildModel(checkpoint, pool);
}

}  // namespace ts
