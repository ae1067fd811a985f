// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/schedule/prepared_models.h"

#include <algorithm>
#include <exception>
#include <new>

#include "experiments/spec/chain.h"

namespace ts {
namespace {

PreparedModels::Recipe prefix(const PreparedModels::Recipe& recipe, std::size_t length) {
  return {recipe.begin(), recipe.begin() + static_cast<std::ptrdiff_t>(length)};
}

}  // namespace

void PreparedModels::announce(const Recipe& recipe) {
  const std::lock_guard lock(mutex_);
  for (std::size_t length = 1; length <= recipe.size(); ++length) ++nodes_[chainText(prefix(recipe, length))].wanted;
  if (!recipe.empty()) ++nodes_[chainText(recipe)].ending;
}

void PreparedModels::release(const Recipe& recipe) {
  const std::lock_guard lock(mutex_);
  if (!recipe.empty()) --nodes_[chainText(recipe)].ending;
  for (std::size_t length = 1; length <= recipe.size(); ++length) {
    const auto it = nodes_.find(chainText(prefix(recipe, length)));
    if (--it->second.wanted == 0 && !it->second.busy) nodes_.erase(it);
  }
}

std::size_t PreparedModels::kept() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(nodes_, [](const auto& node) { return node.second.result && *node.second.result; }));
}

/// A beginning is worth keeping when it is some plan's whole recipe or another recipe goes on from it differently.
bool PreparedModels::isShared(const Recipe& beginning, const Recipe& recipe) const {
  const auto it = nodes_.find(chainText(beginning));
  const auto longer = nodes_.find(chainText(prefix(recipe, beginning.size() + 1)));
  if (it == nodes_.end()) return false;
  return it->second.ending > 0 || longer == nodes_.end() || it->second.wanted > longer->second.wanted;
}

void PreparedModels::makeRoom() {
  const auto bytes = [&] {
    std::uint64_t sum = 0;
    for (const auto& [text, node] : nodes_)
      if (node.result && *node.result) sum += (*node.result)->bytes;
    return sum;
  };
  while (bytes() > budget_) {
    Node* oldest = nullptr;
    for (auto& [text, node] : nodes_)
      if (node.result && *node.result && !node.busy && (*node.result)->model.use_count() == 1 &&
          (!oldest || node.lastUse < oldest->lastUse))
        oldest = &node;
    if (!oldest) return;
    oldest->result.reset();
  }
}

Result<PreparedModel> PreparedModels::get(const Recipe& recipe, int threads, std::stop_token stop) {
  if (recipe.empty()) return dense_;
  const std::string text = chainText(recipe);
  std::unique_lock lock(mutex_);
  Node& node = nodes_[text];
  changed_.wait(lock, stop, [&] { return !node.busy; });
  if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "stopped while the model was being prepared", text);
  node.lastUse = ++uses_;
  if (node.result) return *node.result;
  node.busy = true;

  std::size_t length = recipe.size() - 1;
  while (length > 0 && !isShared(prefix(recipe, length), recipe)) --length;
  lock.unlock();

  Result<PreparedModel> made = [&]() -> Result<PreparedModel> {
    TS_TRY(const PreparedModel base, get(prefix(recipe, length), threads, stop));
    try {
      TS_TRY(PreparedModel model, runner_.prepare(base, std::span(recipe).subspan(length), threads, stop));
      for (const auto& [name, value] : base.report) model.report.emplace(name, value);
      return model;
    } catch (const std::bad_alloc&) {
      return fail(ErrorKind::OutOfMemory, "not enough memory to prepare the model", text);
    } catch (const std::exception& exception) {  // others wait for this node; it must end whatever happens
      return fail(ErrorKind::Internal, exception.what(), text);
    }
  }();

  lock.lock();
  node.busy = false;
  // Another plan may want what this one was told to stop making.
  if (made || made.error().kind != ErrorKind::Cancelled) node.result = made;
  makeRoom();
  changed_.notify_all();
  return made;
}

}  // namespace ts
