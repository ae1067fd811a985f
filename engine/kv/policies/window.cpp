// SPDX-License-Identifier: GPL-3.0-or-later
// Sinks and a window, after LM-Infinite (Han et al., arXiv 2308.16137) and StreamingLLM (Xiao et al., arXiv 2309.17453): a
// query sees the first `sinks` tokens and the last `recent` ones. With distance=true the distance to a sink counts as at
// most `recent` in RoPE (LM-Infinite's ceiling), and positions may run past the trained context.
// Rows nobody can see any more are freed. What a query sees depends on positions alone, so any chunking agrees exactly.
// Verified: a window longer than the sequence changes nothing; rows outside do not influence the result.
#include "engine/kv/strategy.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

class WindowPolicy final : public KvPolicy {
 public:
  WindowPolicy(std::int64_t sinks, std::int64_t recent, bool cap) : sinks_(sinks), recent_(recent), cap_(cap) {}
  std::string name() const override { return "window"; }
  std::int64_t sinks() const override { return sinks_; }
  std::int64_t window() const override { return recent_; }
  std::int64_t distanceCap() const override { return cap_ ? recent_ : 0; }

 private:
  std::int64_t sinks_, recent_;
  bool cap_;
};

const Registration kWindow(
    {.id = "window",
     .family = Family::KeyValue,
     .title = "Sinks + window (LM-Infinite)",
     .help = "attend to the first tokens and the most recent ones only; older rows are freed",
     .paper = "LM-Infinite, arXiv 2308.16137; StreamingLLM, arXiv 2309.17453",
     .parameters = {{.name = "sinks", .fallback = std::int64_t{4}, .help = "tokens at the start that stay visible", .unit = "tokens", .minimum = 0, .maximum = 4096},
                    {.name = "recent", .fallback = std::int64_t{256}, .help = "most recent tokens that stay visible", .unit = "tokens", .minimum = 1, .maximum = 1048576, .scale = Scale::Logarithmic},
                    {.name = "distance", .type = ParameterType::Boolean, .fallback = false, .help = "cap the rotary distance to the sinks at `recent` and allow positions past the context"}},
     .needs = {"attention"},
     .claims = {"kv.eviction"}},
    Make<KvPolicy>([](const Settings& s) { return std::make_unique<WindowPolicy>(s.integer("sinks"), s.integer("recent"), s.boolean("distance")); }));

}  // namespace
}  // namespace ts
