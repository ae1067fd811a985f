// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/decoding/filter.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace ts {
namespace {

bool likelier(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

}  // namespace

void Candidates::assign(std::span<const float> logits) {
  items.resize(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i)
    items[i] = {static_cast<int>(i), std::isnan(logits[i]) ? std::numeric_limits<float>::lowest() : logits[i]};
  sorted = items.size() < 2;
}

void Candidates::sort() {
  if (!sorted) std::sort(items.begin(), items.end(), likelier);
  sorted = true;
}

void Candidates::sortFront(std::size_t n) {
  if (sorted) return;
  if (n >= items.size()) return sort();
  const auto middle = items.begin() + static_cast<std::ptrdiff_t>(n);
  std::nth_element(items.begin(), middle, items.end(), likelier);
  std::sort(items.begin(), middle, likelier);
}

void Candidates::keepFront(std::size_t n) {
  assert(n >= 1);
  if (n < items.size()) items.resize(n);
}

const Candidate& Candidates::best() const {
  assert(!items.empty());
  return sorted ? items.front() : *std::min_element(items.begin(), items.end(), likelier);
}

void Candidates::probabilities(std::vector<double>& out) const {
  out.resize(items.size());
  if (items.empty()) return;
  const double top = best().logit;
  double sum = 0;
  for (std::size_t i = 0; i < items.size(); ++i) sum += out[i] = std::exp(items[i].logit - top);
  for (double& p : out) p /= sum;
}

void FilterChain::apply(Candidates& candidates) {
  for (auto& filter : filters_) {
    filter->apply(candidates);
    assert(!candidates.items.empty());
  }
}

void FilterChain::accept(int token) {
  for (auto& filter : filters_) filter->accept(token);
}

void FilterChain::accept(std::span<const int> tokens) {
  for (const int token : tokens) accept(token);
}

void FilterChain::rollback(std::int64_t tokens) {
  for (auto& filter : filters_) filter->rollback(tokens);
}

FilterChain FilterChain::clone() const {
  std::vector<std::unique_ptr<LogitFilter>> copies;
  for (const auto& filter : filters_) copies.push_back(filter->clone());
  return FilterChain(std::move(copies));
}

double uniform(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11) * 0x1p-53;
}

std::size_t draw(std::span<const double> weights, std::mt19937_64& random) {
  double sum = 0;
  for (const double w : weights) sum += w;
  double left = uniform(random) * sum;
  std::size_t last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    last = i;
    left -= weights[i];
    if (left < 0) return i;
  }
  return last;  // rounding: the sum of the parts fell short of the whole
}

}  // namespace ts
