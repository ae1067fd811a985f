// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/experiments/schedule/scheduling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace ts {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Key;
using testing::SizeIs;
using testing::UnorderedElementsAre;

TEST_F(Scheduling, MeasuresEveryPlanOnceAndTimesItAlone) {
  const auto progress = start(kSweep, runner())->wait();
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->plans, 8);
  EXPECT_EQ(progress->done, 8);
  EXPECT_EQ(progress->fraction, 1);
  EXPECT_THAT(witness->evaluated, SizeIs(8));
  EXPECT_THAT(witness->benched, SizeIs(9)) << "the baseline again at the end";
  EXPECT_EQ(witness->benched.front(), "|");
  EXPECT_EQ(witness->benched.back(), "|");
  EXPECT_FALSE(witness->overlapped);
  EXPECT_GT(witness->mostAtOnce, 1);
  EXPECT_LE(witness->mostAtOnce, 3);

  auto store = *Store::open(file, Store::Mode::ReadOnly);
  const auto runs = *store->runs();
  for (const RunRecord& run : runs) {
    EXPECT_EQ(run.state, RunState::Done);
    EXPECT_EQ(
        run.metrics.count("perplexity") + run.metrics.count("decode_tokens_per_s") + run.metrics.count("bytes_total"),
        3u);
    EXPECT_EQ(run.dataFingerprint, "data");
    EXPECT_THAT(*store->samples(run.id), SizeIs(4));
    EXPECT_THAT(run.commandLine, HasSubstr("tradespace-cli eval m"));
    EXPECT_FALSE(run.engineVersion.empty());
    EXPECT_GT(run.host.cores, 0);
  }
  EXPECT_EQ(store->runs()->front().metrics.count("drift"), 1u);
  EXPECT_EQ(store->sweeps()->front().plans, 8);
}

TEST_F(Scheduling, PreparesASharedBeginningOnce) {
  ASSERT_TRUE(start(kSweep, runner())->wait());
  EXPECT_THAT(witness->prepared, UnorderedElementsAre("t-prune", "t-quant:group=32", "t-quant:group=64"));
  auto store = *Store::open(file, Store::Mode::ReadOnly);
  const auto runs = *store->runs();
  for (const RunRecord& run : runs) {
    if (!run.settings.contains("weights.t-quant.group")) continue;
    EXPECT_THAT(run.engaged, AllOf(Contains(Key("t-prune.made")), Contains(Key("t-quant.made"))));
  }
}

TEST_F(Scheduling, DoesNotMeasureAgainWhatIsKnownUnlessAsked) {
  ASSERT_TRUE(start(kSweep, runner())->wait());
  auto again = start(kSweep, runner())->wait();
  EXPECT_EQ(again->reused, 8);
  EXPECT_EQ(again->done, 0);
  EXPECT_THAT(witness->evaluated, SizeIs(0));
  EXPECT_EQ(states()[RunState::Done], 8);

  again = start(kSweep, runner(), 3, true)->wait();
  EXPECT_EQ(again->done, 8);
  EXPECT_EQ(states()[RunState::Done], 16);

  const auto other =
      start(R"({"name": "other", "model": "m", "groups": [{"kv": ["t-evict", "t-evict:sinks=9"]}]})", runner())->wait();
  EXPECT_EQ(other->reused, 2) << "the baseline and one plan of the first sweep";
  EXPECT_EQ(other->done, 1);
  auto store = *Store::open(file, Store::Mode::ReadOnly);
  EXPECT_THAT(*store->runs(2), SizeIs(3));
}

TEST_F(Scheduling, AFailedPlanIsStoredAndTheOthersGoOn) {
  auto fake = runner();
  fake->onEvaluate = [](const Plan& plan) -> Result<void> {
    if (plan.weights.size() == 2) throw std::bad_alloc();
    if (!plan.kv.empty()) return fail(ErrorKind::Internal, "broken", "here");
    return {};
  };
  std::vector<std::string> lines;
  const auto progress =
      start(kSweep, std::move(fake), 2, false, {.log = [&](const std::string& line) { lines.push_back(line); }})
          ->wait();
  EXPECT_EQ(progress->done, 2);
  EXPECT_EQ(progress->failed, 6);
  EXPECT_THAT(lines, SizeIs(6));
  auto store = *Store::open(file, Store::Mode::ReadOnly);
  std::map<std::string, int> kinds;
  const auto runs = *store->runs();
  for (const RunRecord& run : runs) ++kinds[run.failureKind + "/" + run.message];
  EXPECT_EQ(kinds["internal/broken (here)"], 2);
  EXPECT_EQ(kinds["out of memory/not enough memory for this plan"], 4);
}

TEST_F(Scheduling, AFailedTransformFailsItsPlansOnly) {
  auto fake = runner();
  fake->onPrepare = [](std::span<const StrategySpec> weights) -> Result<void> {
    if (weights.back().id == "t-quant") return fail(ErrorKind::Unsupported, "not for this model");
    return {};
  };
  const auto progress = start(kSweep, std::move(fake))->wait();
  EXPECT_EQ(progress->done, 4);
  EXPECT_EQ(progress->refused, 4);
  EXPECT_THAT(witness->prepared, SizeIs(3)) << "once each, though more plans wanted it";
}

TEST_F(Scheduling, RefusedPlansAreStoredWithTheirReason) {
  const auto progress =
      start(R"({"model": "m", "groups": [{"weights": ["", "t-prune"], "kv": ["t-picky"]}]})", runner())->wait();
  EXPECT_EQ(progress->refused, 2);
  EXPECT_EQ(progress->done, 1);
  auto store = *Store::open(file, Store::Mode::ReadOnly);
  EXPECT_EQ(store->runs()->at(1).state, RunState::Refused);
  EXPECT_THAT(store->runs()->at(1).message, HasSubstr("magic"));
  EXPECT_EQ(start(R"({"model": "m", "groups": [{"kv": ["t-picky"]}]})", runner())->wait()->refused, 1);
  EXPECT_EQ(states()[RunState::Refused], 2) << "not stored twice";
}

TEST_F(Scheduling, CancellingIsFastAndGoesOnLater) {
  auto fake = runner();
  fake->items = 100;
  fake->itemMs = 20;
  auto scheduler = start(kSweep, std::move(fake), 2);
  while (witness->scoredItems < 6) std::this_thread::sleep_for(1ms);
  const auto from = std::chrono::steady_clock::now();
  scheduler->cancel();
  const auto progress = scheduler->wait();
  EXPECT_LT(std::chrono::steady_clock::now() - from, 500ms);  // 100 ms, and air for a busy machine
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->cancelled, 8);
  EXPECT_EQ(states()[RunState::Cancelled], 8);
  scheduler.reset();

  fake = runner();
  fake->items = 100;
  fake->itemMs = 0;
  EXPECT_EQ(start(kSweep, std::move(fake))->wait()->done, 8);
  EXPECT_GE(witness->knownItems, 6) << "samples of the first attempt are used";
  EXPECT_EQ(states()[RunState::Done], 8);
}

TEST_F(Scheduling, OneRunCanBeCancelledWhetherItRunsOrWaits) {
  auto fake = runner();
  fake->items = 50;
  fake->itemMs = 10;
  auto scheduler = start(kSweep, std::move(fake), 1);
  while (witness->scoredItems < 2) std::this_thread::sleep_for(1ms);
  scheduler->cancelRun(1);  // the baseline, running
  scheduler->cancelRun(8);  // waits
  scheduler->cancelRun(99);
  while (states()[RunState::Cancelled] < 2) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(scheduler->progress().cancelled, 2);
  while (witness->count(witness->evaluated) < 2) std::this_thread::sleep_for(1ms);
  scheduler->cancel();
  ASSERT_TRUE(scheduler->wait());
}

TEST_F(Scheduling, TwoProgramsOnOneStoreShareTheWork) {
  auto fake = runner();
  const auto one = witness;
  auto other = runner();
  const auto two = witness;
  for (FakeRunner* each : {fake.get(), other.get()}) each->items = 10, each->itemMs = 3;
  auto first = start(kSweep, std::move(fake), 2);
  auto second = start(kSweep, std::move(other), 2);
  const auto a = first->wait(), b = second->wait();
  EXPECT_EQ(a->done + a->reused, 8);
  EXPECT_EQ(b->done + b->reused, 8);
  EXPECT_EQ(a->done + b->done, 8) << "no plan twice";
  EXPECT_EQ(one->evaluated.size() + two->evaluated.size(), 8u);
  EXPECT_EQ(states()[RunState::Done], 8);
}

TEST_F(Scheduling, ASweepTakesOverWhatAnotherGaveUp) {
  auto fake = runner();
  fake->items = 200;
  fake->itemMs = 5;
  auto first = start(kSweep, std::move(fake), 2);
  while (witness->scoredItems < 3) std::this_thread::sleep_for(1ms);
  auto second = start(kSweep, runner(), 2);
  while (second->progress().current.find("another program measures") == std::string::npos) std::this_thread::sleep_for(1ms);
  first->cancel();
  ASSERT_TRUE(first->wait());
  EXPECT_EQ(second->wait()->done, 8);
  EXPECT_EQ(states()[RunState::Done], 8);
}

TEST_F(Scheduling, TheKeyKnowsTheDraftModelAndTheArithmetic) {
  const char* sweep = R"({"model": "m", "bench": null, "groups": [{"decode": ["t-guess:draft=small.gguf"]}]})";
  EXPECT_EQ(start(sweep, runner())->wait()->done, 2);
  EXPECT_EQ(start(sweep, runner())->wait()->reused, 2);
  auto fake = runner();
  fake->version = "-trained-again";
  EXPECT_EQ(start(sweep, std::move(fake))->wait()->done, 1) << "the draft's file was replaced, the baseline knows none";
  fake = runner();
  fake->arithmetic = "other";
  EXPECT_EQ(start(sweep, std::move(fake))->wait()->done, 2);
  auto store = *Store::open(file, Store::Mode::ReadOnly);
  EXPECT_EQ(store->run(2)->provenance.at("draft.fingerprint"), "f-small.gguf");
  EXPECT_EQ(store->run(2)->provenance.at("isa"), "fake");
}

TEST_F(Scheduling, ANoisyTimingIsTakenOnceMoreAndTheQuieterOneCounts) {
  auto fake = runner();
  fake->noise = [](const Plan& plan, int n) {
    if (plan.weights.empty() && !plan.kv.empty()) return n <= 8 ? 0.5 : 0.01;  // noisy at first
    return plan.weights.size() == 1 && plan.kv.empty() ? 0.3 : 0.02;          // noisy always
  };
  EXPECT_EQ(start(kSweep, std::move(fake))->wait()->done, 8);
  EXPECT_THAT(witness->benched, SizeIs(8 + 2 + 1)) << "two again, and the baseline";
  auto store = *Store::open(file, Store::Mode::ReadOnly);
  const auto runs = *store->runs();
  int noisy = 0, twice = 0;
  for (const RunRecord& run : runs) {
    noisy += run.noisy;
    twice += run.metrics.contains("latency_attempts");
    EXPECT_EQ(run.noisy, run.metrics.at("noise").value > kHighNoise);
  }
  EXPECT_EQ(noisy, 1);
  EXPECT_EQ(twice, 2);
}

TEST_F(Scheduling, MemoryOfAProcessOfItsOwnIsMeasuredWhenAsked) {
  ASSERT_TRUE(start(R"({"model": "m", "task": null, "bench": {"memory": true}, "groups": [{}]})", runner())->wait());
  ASSERT_TRUE(start(R"({"model": "m", "task": null, "groups": [{}]})", runner())->wait());
  auto store = *Store::open(file, Store::Mode::ReadOnly);
  EXPECT_EQ(store->run(1)->metrics.at("peak_bytes").value, 2000);
  EXPECT_FALSE(store->run(2)->metrics.contains("peak_bytes")) << "a peak among other plans says nothing of one";
}

TEST_F(Scheduling, PausingHoldsTheNextItem) {
  auto fake = runner();
  fake->items = 10;
  fake->itemMs = 5;
  auto scheduler = start(kSweep, std::move(fake), 2);
  while (witness->scoredItems < 3) std::this_thread::sleep_for(1ms);
  scheduler->pause();
  std::this_thread::sleep_for(60ms);
  const int items = witness->scoredItems;
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(witness->scoredItems, items);
  EXPECT_TRUE(scheduler->progress().paused);
  EXPECT_FALSE(scheduler->finished());
  scheduler->resume();
  EXPECT_EQ(scheduler->wait()->done, 8);
}

TEST_F(Scheduling, APausedSweepCanBeCancelled) {
  auto scheduler = start(kSweep, runner(), 2);
  scheduler->pause();
  std::this_thread::sleep_for(20ms);
  scheduler.reset();
  EXPECT_EQ(states()[RunState::Running] + states()[RunState::Queued], 0);
}

TEST_F(Scheduling, ForetellsItsEndFromWhatWasMeasured) {
  auto fake = runner();
  fake->items = 5;
  fake->itemMs = 8;
  fake->benchMs = 30;
  std::vector<SweepProgress> told;
  ASSERT_TRUE(start(kSweep, std::move(fake), 2, false, {.progress = [&](const SweepProgress& p) { told.push_back(p); }})
                  ->wait());
  EXPECT_EQ(told.front().secondsLeft, -1);
  double last = 0;
  bool judged = false;
  for (const SweepProgress& p : told) {
    EXPECT_GE(p.fraction, last);
    last = p.fraction;
    const double total = told.back().secondsElapsed;
    if (p.secondsLeft > 0 && p.done >= 2 && p.done <= 6) {
      EXPECT_NEAR(p.secondsLeft, total - p.secondsElapsed, 0.6 * total);
      judged = true;
    }
  }
  EXPECT_TRUE(judged);
  EXPECT_EQ(last, 1);
}

TEST_F(Scheduling, SaysWhenTheModelCannotBeOpened) {
  const auto outcome = start(R"({"model": "missing", "groups": [{}]})", runner())->wait();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().message, "no such model");
  EXPECT_FALSE(Scheduler::start(*parseSweep(kSweep, "s"), {.store = folder.path()}, {}, runner()))
      << "a store that is a folder";
}

TEST_F(Scheduling, QualityOrLatencyAlone) {
  ASSERT_TRUE(start(R"({"model": "m", "bench": null, "groups": [{"weights": ["t-prune"]}]})", runner())->wait());
  EXPECT_THAT(witness->benched, SizeIs(0));
  EXPECT_EQ(start(R"({"model": "m", "task": null, "groups": [{"weights": ["t-prune"]}]})", runner())->wait()->done, 2)
      << "another key";
  EXPECT_THAT(witness->evaluated, SizeIs(0));
  EXPECT_EQ(states()[RunState::Done], 4);
}

/// Runs a sweep in a child process until `when` items are scored, then kills it the hard way.
TEST_F(Scheduling, AKilledSweepLosesTheItemInHandOnly) {
  int channel[2];
  ASSERT_EQ(pipe(channel), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto fake = runner();
    fake->items = 40;
    fake->itemMs = 3;
    fake->onItem = [&](std::int64_t item) {
      if (write(channel[1], &item, sizeof item) < 0) _exit(1);
    };
    auto scheduler = start(kSweep, std::move(fake), 1);
    (void)scheduler->wait();
    _exit(0);
  }
  std::int64_t item = 0;
  int begun = 0;
  for (; begun < 50; ++begun) ASSERT_EQ(read(channel[0], &item, sizeof item), static_cast<ssize_t>(sizeof item));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(channel[1]);
  while (read(channel[0], &item, sizeof item) > 0) ++begun;
  close(channel[0]);

  auto fake = runner();
  fake->items = 40;
  fake->itemMs = 0;
  const auto progress = start(kSweep, std::move(fake), 1)->wait();
  EXPECT_EQ(progress->done + progress->reused, 8);
  EXPECT_GE(witness->knownItems + 40 + 1, begun) << "all but the item in hand were kept";
  EXPECT_EQ(witness->knownItems + witness->scoredItems, 40 * 7) << "the first plan had its quality";
  EXPECT_EQ(states()[RunState::Done], 8);
}

TEST_F(Scheduling, AFullDiskEndsTheSweepAndKeepsWhatWasWritten) {
  { ASSERT_TRUE(Store::open(file)); }
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    auto fake = runner();
    fake->items = 20000;
    fake->itemMs = 0;
    const rlimit limit{400 << 10, 400 << 10};
    setrlimit(RLIMIT_FSIZE, &limit);
    auto scheduler =
        Scheduler::start(*parseSweep(kSweep, "s.json"), {.store = file, .workers = 2}, {}, std::move(fake));
    if (!scheduler) _exit(2);
    const auto outcome = (*scheduler)->wait();
    if (outcome || outcome.error().kind != ErrorKind::Io) _exit(1);
    // The program lives on, as a desktop does; nobody shall see rows that run for ever.
    auto reader = Store::open(file, Store::Mode::ReadOnly);
    if (!reader) _exit(3);
    const auto rows = *(*reader)->runs();
    for (const RunRecord& run : rows)
      if (run.state == RunState::Running || run.state == RunState::Queued) _exit(4);
    scheduler->reset();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  auto store = *Store::open(file);
  EXPECT_GT(store->samples(1)->size(), 10u);
  EXPECT_NE(store->run(1)->state, RunState::Running);
}

}  // namespace
}  // namespace ts
