// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/evaluate.h"

#include <chrono>

#include "engine/core/resources.h"
#include "engine/evaluation/task.h"

namespace ts {

Result<EvaluationResult> evaluate(std::shared_ptr<const Model> prepared, std::shared_ptr<const Model> dense, const Plan& plan,
                                  const EvaluationOptions& options, ThreadPool& pool, const EvaluationHooks& hooks) {
  const auto start = std::chrono::steady_clock::now();
  const Task* task = findTask(options.task);
  if (!task) {
    std::string names;
    for (const Task& t : tasks()) names += (names.empty() ? "" : ", ") + t.name;
    return fail("there is no task \"" + options.task + "\"; tasks: " + names, "--task");
  }
  if (options.data.empty() && task->data.empty() && !task->form.empty())
    return fail("the task \"" + task->name + "\" has no data of its own: give yours (" + task->form + ")", "--data");
  if (options.againstDense && !dense) return fail(ErrorKind::Internal, "a comparison needs the dense model", "evaluate");

  EvaluationResult result;
  result.task = options.task;
  TaskRun run{std::move(prepared), options.againstDense ? std::move(dense) : nullptr, plan, options, pool, hooks, {}, result};
  if (!task->form.empty()) {
    TS_TRY(run.data, readTaskData(options.data.empty() ? resourceFolder() / "tasks" / task->data : options.data));
  } else if (!options.data.empty()) {
    return fail("the task \"" + task->name + "\" makes its own items and takes no data", "--data");
  }
  result.dataFingerprint = run.data.fingerprint;
  if (!task->generates && (plan.decode || !plan.sample.empty() || plan.search))
    result.notes.push_back("this task scores given text: decoding, sampling and search do not act in it, the numbers are those of the plan without them");
  TS_CHECK(task->run(run));
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace ts
