// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/decoding/output.h"

#include <algorithm>

namespace ts {
namespace {

template <class Duration>
double milliseconds(Duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

}  // namespace

Output::Output(Generation& generation, const Model& model, const GenerateOptions& options, TokenSink sink)
    : generation_(generation),
      model_(model),
      options_(options),
      sink_(std::move(sink)),
      start_(Clock::now()),
      last_(start_) {}

bool Output::push(std::span<const int> tokens) {
  const auto now = Clock::now();
  for (const int token : tokens) {
    if (generation_.ids.empty())
      generation_.ttftMs = milliseconds(now - start_);
    else
      generation_.gapsMs.push_back(milliseconds(now - last_));
    last_ = now;
    generation_.ids.push_back(token);
    emit(token);
    if (options_.stopAtEnd && std::ranges::find(model_.stopIds, token) != model_.stopIds.end())
      return end("stop-token");
    if (static_cast<std::int64_t>(generation_.ids.size()) >= options_.tokens) return end("length");
  }
  return true;
}

bool Output::end(const char* reason) {
  generation_.stopReason = reason;
  return false;
}

void Output::finish() {
  if (const std::string rest = characters_.finish(); !rest.empty()) {
    generation_.text += rest;
    if (sink_) sink_(-1, rest);
  }
  const double seconds = (milliseconds(last_ - start_) - generation_.ttftMs) / 1e3;
  if (generation_.ids.size() > 1 && seconds > 0)
    generation_.decodeTokensPerSecond = static_cast<double>(generation_.ids.size() - 1) / seconds;
}

void Output::emit(int token) {
  std::string text;
  if (model_.tokenizer) text = characters_.push(model_.tokenizer->decode(std::span(&token, 1), true));
  generation_.text += text;
  if (sink_) sink_(token, text);
}

}  // namespace ts
