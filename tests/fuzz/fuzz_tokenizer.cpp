// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/chat_template.h"
#include "engine/formats/tokenizer_json.h"

// The first byte says what the rest is: a tokenizer.json, or a chat template.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'c') {
    const ts::ChatMessage messages[] = {{"user", "hi"}, {"assistant", "ho"}};
    (void)ts::applyChatTemplate(text, messages, true, "<s>", "</s>");
    return 0;
  }
  const auto tokenizer = ts::tokenizerOfJson(text, "", "fuzz");
  if (!tokenizer) return 0;
  const auto ids = (*tokenizer)->encode("Hello, w\xC3\xB6rld\xFF  <s> 12345\r\n\t");
  (void)(*tokenizer)->decode(ids, false);
  return 0;
}
