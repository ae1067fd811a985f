// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "engine/core/result.h"

namespace ts {

/// Who runs a queued or running row: a number drawn at random, and for as long as its Store lives a lock on the byte of that
/// number in the empty file STORE-owners. The kernel gives the lock back when the program ends, however it ends, so a row
/// whose owner holds no lock was left behind; names of hosts and processes, which containers change and reuse, play no part.
class Owner {
 public:
  Owner() = default;
  ~Owner() { release(); }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

  /// Errors: the file cannot be made beside the store, or its file system knows no locks.
  Result<void> become(const std::filesystem::path& store);
  void becomeOnlyOne();  ///< of a store in memory
  void release();        ///< from here on its rows count as left behind
  const std::string& id() const { return id_; }

 private:
  int file_ = -1;
  std::string id_;
};

/// Tells living owners from gone ones; remembers what it found out.
class Owners {
 public:
  explicit Owners(const std::filesystem::path& store);  ///< empty: in memory
  ~Owners();
  Owners(const Owners&) = delete;
  Owners& operator=(const Owners&) = delete;

  bool alive(const std::string& id);

 private:
  int file_ = -1;
  bool unknown_ = false;  ///< the file is there but cannot be read: nobody is taken to be gone
  std::map<std::string, bool> known_;
};

}  // namespace ts
