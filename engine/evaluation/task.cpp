// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/task.h"

#include <algorithm>

namespace ts {

namespace {

std::vector<Task>& list() {
  static std::vector<Task> tasks;
  return tasks;
}

}  // namespace

std::span<const Task> tasks() { return list(); }

const Task* findTask(std::string_view name) {
  const auto found = std::find_if(list().begin(), list().end(), [&](const Task& t) { return t.name == name; });
  return found == list().end() ? nullptr : &*found;
}

TaskRegistration::TaskRegistration(Task task) {
  const auto place = std::upper_bound(list().begin(), list().end(), task, [](const Task& a, const Task& b) { return a.name < b.name; });
  list().insert(place, std::move(task));
}

}  // namespace ts
