// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "engine/core/thread_pool.h"
#include "engine/formats/checkpoint.h"
#include "engine/model/config.h"
#include "engine/weights/matrix.h"

namespace ts {

/// The linear maps of a block, in the order a forward pass meets them.
enum class Role { Q, K, V, O, Gate, Up, Down };
inline constexpr Role kRoles[] = {Role::Q, Role::K, Role::V, Role::O, Role::Gate, Role::Up, Role::Down};
std::string_view name(Role role);  ///< "q" ... "down"

struct Linear {
  MatrixPtr weight;         ///< null where the architecture has none (no gate in GPT-2)
  std::vector<float> bias;  ///< rows() floats or empty
};

struct Norm {
  std::vector<float> weight;  ///< empty: no such norm; Gemma's +1 is already added
  std::vector<float> bias;
};

/// One transformer block. Structured pruning shrinks it: `queryToKv`, the matrices' shapes and `intermediate` are this
/// block's own and may differ from the configuration's.
struct Block {
  Norm attentionNorm, attentionPostNorm, mlpNorm, mlpPostNorm, qNorm, kNorm;
  Linear q, k, v, o, gate, up, down;
  std::vector<int> queryToKv;  ///< key/value head of each query head; grouped heads are neighbours
  int kvHeads = 0;
  int intermediate = 0;

  int heads() const { return static_cast<int>(queryToKv.size()); }
  Linear& linear(Role role);
  const Linear& linear(Role role) const { return const_cast<Block*>(this)->linear(role); }
};

/// A model ready to run: configuration, blocks, tokenizer. Immutable when shared; transforms work on a copy
/// (`Model copy = model;` shares the matrices, which are themselves immutable).
struct Model {
  ModelConfig config;
  MatrixPtr embedding;            ///< [vocabulary, hidden]
  std::vector<float> positions;   ///< GPT-2: contextLength x hidden
  std::vector<Block> blocks;
  Norm finalNorm;
  Linear head;                    ///< shares the embedding's matrix when tied
  std::shared_ptr<const Tokenizer> tokenizer;
  std::vector<int> stopIds;
  std::string chatTemplate;       ///< Jinja source, empty if none
  std::string fingerprint;        ///< of the checkpoint; the recipe applied since is in the plan's key

  std::uint64_t weightBytes() const;  ///< of every matrix, a shared one once
};

/// Packs a checkpoint's tensors for the kernels, each in its own stored format (in parallel over `pool`).
/// Errors: a missing tensor, a wrong shape (named, with what the configuration asks for).
Result<std::shared_ptr<const Model>> buildModel(const Checkpoint& checkpoint, ThreadPool& pool, std::stop_token stop = {});

}  // namespace ts
