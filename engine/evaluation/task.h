// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"
#include "engine/evaluation/data.h"
#include "engine/evaluation/evaluate.h"

namespace ts {

/// What one evaluation works with; a task reads `data` and fills `result`.
struct TaskRun {
  std::shared_ptr<const Model> prepared;
  std::shared_ptr<const Model> dense;  ///< null unless options.againstDense
  const Plan& plan;
  const EvaluationOptions& options;
  ThreadPool& pool;
  const EvaluationHooks& hooks;
  TaskData data;
  EvaluationResult& result;
};

/// One way of measuring quality (evaluation/tasks/: one file each, or one for tasks that differ in their data only).
struct Task {
  std::string name;      ///< "wikitext2"
  std::string title;     ///< "WikiText-2 perplexity"
  std::string help;      ///< one line: protocol and prompt
  std::string data;      ///< file in resources/tasks; empty: the user's own data must be given
  std::string form;      ///< what options.data must look like; empty: the task makes its items from the seed
  std::vector<std::string> metrics;  ///< the first is the one to plot
  bool higherIsBetter = true;        ///< of the first metric
  bool generates = false;            ///< text is generated under the whole plan; else given text is scored, and decoding,
                                     ///< sampling and searches do not act
  bool itemsDepend = false;          ///< on the seed and on how many are asked for: item 3 of 10 is not item 3 of 25
  int revision = 1;                  ///< grows when the same data come to give other numbers: part of a run's key
  std::function<Result<void>(TaskRun&)> run;
};

/// All tasks by name.
std::span<const Task> tasks();
/// Null: no such task.
const Task* findTask(std::string_view name);

/// A file-scope object in each task's file: the one registration.
struct TaskRegistration {
  explicit TaskRegistration(Task task);
};

}  // namespace ts
