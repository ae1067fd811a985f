// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "engine/core/result.h"
#include "engine/formats/tensor.h"
#include "engine/model/config.h"

namespace ts {

/// A copy with rows and columns exchanged (plain types only).
Tensor transposed(const Tensor& tensor);

/// Puts a layer's tensor under "layers.I." + `canonical` + `ending`. The fused ones become views: "qkv" of the rows of all
/// query heads, then keys, then values; "gate_up" of the gate's rows, then up's. A bias is cut like its rows.
/// Errors: fused rows that are not what the configuration asks for (`name` and `place` say which tensor).
Result<void> putCut(std::string_view canonical, std::string_view ending, const Tensor& tensor, const ModelConfig& config, int layer,
                    const std::string& name, const std::string& place, std::map<std::string, Tensor, std::less<>>& out);

}  // namespace ts
