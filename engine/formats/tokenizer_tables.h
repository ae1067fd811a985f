// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace ts {

/// A hash table from 64-bit keys to 32-bit values, open addressing, without removal: the merge table of a vocabulary has
/// 10^5 entries and is looked up several times a character.
class FlatTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  explicit FlatTable(std::size_t expected = 0) {
    std::size_t slots = 16;
    while (slots < expected * 2) slots *= 2;
    slots_.assign(slots, Slot{});
  }
  std::uint32_t find(std::uint64_t key) const {
    for (std::size_t i = place(key);; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i].value == kNone) return kNone;
      if (slots_[i].key == key) return slots_[i].value;
    }
  }
  /// Keeps the first value of a key; returns the value that stands.
  std::uint32_t insert(std::uint64_t key, std::uint32_t value) {
    if ((count_ + 1) * 2 > slots_.size()) grow();
    std::size_t i = place(key);
    for (; slots_[i].value != kNone; i = (i + 1) & (slots_.size() - 1))
      if (slots_[i].key == key) return slots_[i].value;
    slots_[i] = {key, value};
    ++count_;
    return value;
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t value = kNone;
  };
  std::size_t place(std::uint64_t key) const {
    key ^= key >> 32;
    key *= 0x9E3779B97F4A7C15ull;
    return static_cast<std::size_t>(key >> 20) & (slots_.size() - 1);
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    count_ = 0;
    for (const Slot& s : old)
      if (s.value != kNone) insert(s.key, s.value);
  }
  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

/// A trie over bytes: which of a set of strings begin here?
class ByteTrie {
 public:
  void insert(std::string_view text, int value) {
    std::uint32_t node = 0;
    for (const char c : text) {
      const auto next = static_cast<std::uint32_t>(values_.size());
      const std::uint32_t found = edges_.insert(key(node, c), next);
      if (found == next) values_.push_back(-1);
      node = found;
    }
    values_[node] = value;
  }
  /// Calls found(length, value) for every string of the set that `text` begins with, short ones first.
  template <class Found>
  void prefixes(std::string_view text, Found&& found) const {
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = edges_.find(key(node, text[i]));
      if (node == FlatTable::kNone) return;
      if (values_[node] >= 0) found(i + 1, values_[node]);
    }
  }
  bool empty() const { return values_.size() == 1; }

 private:
  static std::uint64_t key(std::uint32_t node, char c) {
    return static_cast<std::uint64_t>(node) << 8 | static_cast<unsigned char>(c);
  }
  FlatTable edges_;
  std::vector<int> values_ = {-1};
};

}  // namespace ts
