// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/decoding/decoder.h"

namespace ts {

void Draft::clear() {
  tree.tokens.clear();
  tree.parents.clear();
  distributions.clear();
}

void Draft::add(int token, int parent) {
  tree.tokens.push_back(token);
  tree.parents.push_back(parent);
  distributions.emplace_back();
}

}  // namespace ts
