// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "engine/core/result.h"
#include "engine/formats/tensor.h"
#include "engine/model/config.h"

namespace ts {

/// XXH3-128 over a model: what the forward pass reads of its configuration (not its name), then name, shape, type and
/// data of every tensor, in the order of names. The same bytes in another file have the same fingerprint.
class Fingerprint {
 public:
  Fingerprint(const ModelConfig& config, std::stop_token stop) : config_(config), stop_(std::move(stop)) {}
  void add(std::string_view name, const Tensor& tensor) { tensors_.emplace(name, tensor); }
  Result<std::string> hex();  ///< 32 hex digits; Cancelled when asked to stop

 private:
  const ModelConfig& config_;
  std::stop_token stop_;
  std::map<std::string, Tensor> tensors_;
};

}  // namespace ts
