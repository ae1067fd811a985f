// SPDX-License-Identifier: GPL-3.0-or-later
#define PCRE2_CODE_UNIT_WIDTH 8
#include "engine/formats/tokenizer_regex.h"

#include <pcre2.h>

#include <cassert>
#include <cstdint>

namespace ts {

struct Regex::Code {
  pcre2_code* code = nullptr;
  pcre2_match_context* context = nullptr;
  bool jit = false;
  ~Code() {
    pcre2_match_context_free(context);
    pcre2_code_free(code);
  }
};

namespace {

struct MatchData {
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
  ~MatchData() { pcre2_match_data_free(data); }
};

// The default JIT stack is 32 KiB of the machine's; one of 1 MiB a thread serves patterns with long alternatives.
pcre2_jit_stack* threadStack(void*) {
  thread_local const std::unique_ptr<pcre2_jit_stack, void (*)(pcre2_jit_stack*)> stack(
      pcre2_jit_stack_create(32 * 1024, 1024 * 1024, nullptr), pcre2_jit_stack_free);
  return stack.get();
}

}  // namespace

Result<Regex> Regex::compile(std::string_view pattern, std::string_view where) {
  int number = 0;
  std::size_t offset = 0;
  auto code = std::make_shared<Code>();
  // MULTILINE: tokenizer.json patterns are written for Oniguruma's Ruby syntax, where ^ and $ are line anchors.
  code->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                             PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &number, &offset, nullptr);
  if (!code->code) {
    char reason[256] = {};
    pcre2_get_error_message(number, reinterpret_cast<PCRE2_UCHAR*>(reason), sizeof reason);
    return fail("the split expression \"" + std::string(pattern.substr(0, 200)) + "\" is not valid at offset " +
                    std::to_string(offset) + ": " + reason,
                std::string(where));
  }
  code->context = pcre2_match_context_create(nullptr);
  pcre2_set_match_limit(code->context, 10'000'000);
  pcre2_set_heap_limit(code->context, 64 * 1024);  // KiB
  code->jit = pcre2_jit_compile(code->code, PCRE2_JIT_COMPLETE) == 0;
  if (code->jit) pcre2_jit_stack_assign(code->context, threadStack, nullptr);
  Regex regex;
  regex.code_ = std::move(code);
  return regex;
}

Regex Regex::known(std::string_view pattern) {
  auto regex = compile(pattern, "built-in");
  assert(regex);
  return *std::move(regex);
}

void Regex::matches(std::string_view text, std::vector<Range>& out) const {
  out.clear();
  const MatchData match;
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  std::uint32_t options = PCRE2_NO_UTF_CHECK;
  for (std::size_t start = 0; start < text.size();) {
    int found = pcre2_match(code_->code, subject, text.size(), start, options, match.data, code_->context);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT)
      found = pcre2_match(code_->code, subject, text.size(), start, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, match.data, code_->context);
    if (found < 0) return;
    const std::size_t* bounds = pcre2_get_ovector_pointer(match.data);
    if (bounds[1] > bounds[0] && bounds[0] >= start) {
      out.push_back({static_cast<std::int64_t>(bounds[0]), static_cast<std::int64_t>(bounds[1])});
      start = bounds[1];
      options = PCRE2_NO_UTF_CHECK;
    } else if (!(options & PCRE2_NOTEMPTY)) {
      options |= PCRE2_NOTEMPTY;  // an empty match splits nothing; the next real one may begin at the same place
    } else {
      return;
    }
  }
}

}  // namespace ts
