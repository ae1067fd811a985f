// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/decoding/verifiers/verify.h"

namespace ts {

Result<void> verifyExact(const DraftTree& tree, const ChooseAfter& choose, const Accept& accept, Verdict& verdict) {
  verdict.path.assign(1, 0);
  for (int node = 0;;) {
    TS_TRY(const int token, choose(node));
    accept(token);
    int child = -1;
    for (std::size_t i = 1; i < tree.tokens.size() && child < 0; ++i)
      if (tree.parents[i] == node && tree.tokens[i] == token) child = static_cast<int>(i);
    if (child < 0) {
      verdict.next = token;
      return {};
    }
    verdict.path.push_back(node = child);
  }
}

}  // namespace ts
