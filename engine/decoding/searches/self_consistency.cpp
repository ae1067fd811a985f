// SPDX-License-Identifier: GPL-3.0-or-later
// Self-consistency: n continuations are drawn, each votes for its answer, the answer with most votes wins; among its
// continuations the one with the highest mean log-probability is shown. Votes count one each (Wang et al.), or the
// probability of each distinct continuation (perplexity consistency, RPC: arXiv 2510.15444, without its pruning).
// The answer of a continuation is its last number, its last line that is not empty, or the whole of it.
// Verified in tests/engine/decoding/searches_test.cpp.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>

#include "engine/decoding/search.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

std::string trimmed(std::string_view text) {
  const auto space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return std::string(text);
}

std::string lastLine(const std::string& text) {
  const std::string all = trimmed(text);
  return trimmed(std::string_view(all).substr(all.find_last_of('\n') + 1));
}

/// "1,234.50" reads "1234.5"; empty when there is no number.
std::string lastNumber(const std::string& text) {
  const auto digit = [&](std::size_t i) {
    return i < text.size() && std::isdigit(static_cast<unsigned char>(text[i]));
  };
  std::size_t end = text.size();
  while (end > 0 && !digit(end - 1)) --end;
  if (end == 0) return {};
  std::size_t begin = end - 1;
  while (begin > 0 &&
         (digit(begin - 1) || ((text[begin - 1] == '.' || text[begin - 1] == ',') && begin > 1 && digit(begin - 2))))
    --begin;
  std::string number;
  for (std::size_t i = begin; i < end; ++i)
    if (text[i] != ',') number += text[i];
  if (number.find('.') != std::string::npos) {
    while (number.back() == '0') number.pop_back();
    if (number.back() == '.') number.pop_back();
  }
  return (begin > 0 && text[begin - 1] == '-' ? "-" : "") + number;
}

class SelfConsistency final : public Search {
 public:
  SelfConsistency(int n, std::string answer, bool probability)
      : n_(n), answer_(std::move(answer)), probability_(probability) {}
  int candidates() const override { return n_; }

  std::size_t choose(std::span<const SearchCandidate> candidates,
                     std::map<std::string, double>& counts) const override {
    const auto total = [](const SearchCandidate& c) {
      return meanLogProbability(c) * static_cast<double>(c.logProbabilities.size());
    };
    double highest = -HUGE_VAL;
    for (const auto& c : candidates) highest = std::max(highest, total(c));
    std::map<std::string, double> weight;
    std::map<std::string, int> votes;
    std::set<std::vector<int>> seen;
    for (const auto& c : candidates) {
      ++votes[answerOf(c)];
      if (!probability_)
        weight[answerOf(c)] += 1;
      else if (seen.insert(c.ids).second)
        weight[answerOf(c)] += std::exp(total(c) - highest);
    }
    const std::string* winner = nullptr;
    std::size_t best = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const auto& [answer, w] = *weight.find(answerOf(candidates[i]));
      const bool better =
          !winner || w > weight.at(*winner) ||
          (w == weight.at(*winner) && meanLogProbability(candidates[i]) > meanLogProbability(candidates[best]));
      if (better) winner = &answer, best = i;
    }
    counts["search.answers"] = static_cast<double>(votes.size());
    counts["search.votes"] = votes.at(*winner);
    return best;
  }

 private:
  std::string answerOf(const SearchCandidate& c) const {
    if (answer_ == "last-number") return lastNumber(c.text);
    return answer_ == "last-line" ? lastLine(c.text) : trimmed(c.text);
  }

  int n_;
  std::string answer_;
  bool probability_;
};

const Registration registration(
    {.id = "self-consistency",
     .family = Family::Search,
     .title = "Self-consistency",
     .help = "Draws n continuations and keeps the answer that most of them agree on",
     .paper = "Wang et al.: Self-Consistency Improves Chain of Thought Reasoning in Language Models, arXiv 2203.11171",
     .parameters = {{.name = "n",
                     .type = ParameterType::Integer,
                     .fallback = std::int64_t{8},
                     .help = "Continuations drawn",
                     .minimum = 1,
                     .maximum = 256,
                     .scale = Scale::Logarithmic},
                    {.name = "answer",
                     .type = ParameterType::Choice,
                     .fallback = std::string("last-line"),
                     .help = "What of a continuation is its answer",
                     .choices = {"last-line", "last-number", "whole"}},
                    {.name = "weight",
                     .type = ParameterType::Choice,
                     .fallback = std::string("vote"),
                     .help = "Each continuation counts one (vote), or each distinct one its probability",
                     .choices = {"vote", "probability"}}},
     .needs = {"sampling"}},
    Make<Search>([](const Settings& s) -> Result<std::unique_ptr<Search>> {
      return std::make_unique<SelfConsistency>(static_cast<int>(s.integer("n")), s.text("answer"),
                                               s.text("weight") == "probability");
    }));

}  // namespace
}  // namespace ts
