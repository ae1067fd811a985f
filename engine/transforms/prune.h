// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "engine/core/thread_pool.h"
#include "engine/model/model.h"

namespace ts {

/// Removes the query heads whose flag is not set from q and o, and from k and v the key/value heads that no query head reads any more.
/// `mean`, if given, holds the mean of each of o's input channels; o's bias takes over what the removed channels contribute on average.
/// Nothing changes when every flag is set. Matrices that change are stored in their own plain format, quantized ones in f16,
/// low-rank ones stay low-rank.
void keepHeads(Block& block, int headDim, const std::vector<bool>& keep, const std::vector<float>* mean, ThreadPool& pool);

/// The same for MLP neurons: rows of gate and up, columns of down; `mean` of down's input channels.
void keepNeurons(Block& block, const std::vector<bool>& keep, const std::vector<float>* mean, ThreadPool& pool);

}  // namespace ts
