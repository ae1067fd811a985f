// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/store/records.h"

namespace ts {

std::string_view name(RunState state) {
  switch (state) {
    case RunState::Queued:
      return "queued";
    case RunState::Running:
      return "running";
    case RunState::Done:
      return "done";
    case RunState::Failed:
      return "failed";
    case RunState::Refused:
      return "refused";
    case RunState::Cancelled:
      return "cancelled";
    case RunState::Interrupted:
      return "interrupted";
  }
  return "queued";
}

std::optional<RunState> runState(std::string_view text) {
  for (const RunState state : {RunState::Queued, RunState::Running, RunState::Done, RunState::Failed, RunState::Refused,
                               RunState::Cancelled, RunState::Interrupted})
    if (name(state) == text) return state;
  return std::nullopt;
}

}  // namespace ts
