// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"
#include "engine/core/thread_pool.h"

namespace ts {

/// A regular expression over UTF-8 with Unicode classes (PCRE2, UTF and UCP). Immutable and thread-safe.
class Regex {
 public:
  /// Error: the pattern does not compile (the message has PCRE2's reason and the offset in the pattern).
  static Result<Regex> compile(std::string_view pattern, std::string_view where);
  /// For the patterns this program brings along; one that does not compile is a bug.
  static Regex known(std::string_view pattern);

  /// The non-overlapping, non-empty matches in `text` (valid UTF-8), left to right. A search that exceeds PCRE2's match
  /// limit (a hostile pattern) ends there.
  void matches(std::string_view text, std::vector<Range>& out) const;

 private:
  struct Code;
  std::shared_ptr<const Code> code_;
};

}  // namespace ts
