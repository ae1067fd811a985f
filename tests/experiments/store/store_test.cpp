// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "temporary_folder.h"

namespace ts {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

RunRecord example(const std::string& key = "k1") {
  RunRecord run;
  run.key = key;
  run.model = {.path = "/m",
               .name = "tiny",
               .architecture = "llama",
               .format = "F16",
               .fingerprint = "abc",
               .parameters = 5,
               .fileBytes = 10};
  run.host = {.cpu = "cpu", .isa = "avx2", .kernel = "6.1", .name = "here", .cores = 2, .memoryBytes = 1 << 30};
  run.plan = "weights=q4(group=32)";
  run.commandLine = "tradespace-cli eval /m --weights 'q4:group=32'";
  run.settings = {{"weights", "q4"}, {"weights.q4.group", "32"}};
  run.task = "wikitext2";
  run.seed = std::numeric_limits<std::uint64_t>::max();
  run.engineVersion = "0.1.0";
  return run;
}

TEST(Store, KeepsEverythingOfARun) {
  auto store = *Store::inMemory();
  RunRecord run = example();
  run.id = *store->addRun(run);
  EXPECT_EQ(store->run(run.id)->state, RunState::Queued);

  ASSERT_TRUE(store->setState(run.id, RunState::Running));
  EXPECT_FALSE(store->run(run.id)->started.empty());
  ASSERT_TRUE(store->addSample(run.id, {.item = 1, .values = {{"nll", 2.5}, {"tokens", 255}}}));
  ASSERT_TRUE(store->addSample(run.id, {.item = 0, .values = {{"nll", 1.5}}}));

  run.metrics = {{"perplexity", {7.25, 0.5, 255}}, {"bytes_total", {1e7, {}, {}}}};
  run.engaged = {{"kv.rows_evicted", 12}};
  run.dataFingerprint = "d";
  run.noisy = true;
  ASSERT_TRUE(store->finish(run));

  const RunRecord back = *store->run(run.id);
  EXPECT_EQ(back.state, RunState::Done);
  EXPECT_EQ(back.metrics, run.metrics);
  EXPECT_EQ(back.engaged, run.engaged);
  EXPECT_EQ(back.settings, run.settings);
  EXPECT_EQ(back.seed, run.seed);
  EXPECT_EQ(back.plan, run.plan);
  EXPECT_EQ(back.model.fingerprint, "abc");
  EXPECT_EQ(back.host.cpu, "cpu");
  EXPECT_EQ(back.dataFingerprint, "d");
  EXPECT_TRUE(back.noisy);
  EXPECT_FALSE(back.finished.empty());

  const auto samples = *store->samples(run.id);
  ASSERT_THAT(samples, SizeIs(2));
  EXPECT_EQ(samples[0].item, 0);
  EXPECT_EQ(samples[1].values.at("tokens"), 255);
}

TEST(Store, FindsHostsAndModelsAgain) {
  auto store = *Store::inMemory();
  const RunRecord run = example();
  EXPECT_EQ(*store->host(run.host), *store->host(run.host));
  EXPECT_EQ(*store->model(run.model), *store->model(run.model));
  HostRecord other = run.host;
  other.cores = 64;
  EXPECT_NE(*store->host(run.host), *store->host(other));
}

TEST(Store, KeepsANumberThatIsNotFiniteAsUnknown) {
  auto store = *Store::inMemory();
  RunRecord run = example();
  run.id = *store->addRun(run);
  run.metrics = {{"perplexity", {std::numeric_limits<double>::infinity(), std::nan(""), 1}}};
  ASSERT_TRUE(store->finish(run));
  EXPECT_TRUE(std::isnan(store->run(run.id)->metrics.at("perplexity").value));
}

TEST(Store, FindsWhatWasMeasuredByItsKey) {
  auto store = *Store::inMemory();
  RunRecord run = example("k");
  run.id = *store->addRun(run);
  EXPECT_EQ(*store->findDone("k"), std::nullopt);
  ASSERT_TRUE(store->setState(run.id, RunState::Failed, "out of memory", "too big"));
  EXPECT_EQ(store->enroll(run)->known->message, "too big");
  EXPECT_EQ(store->run(run.id)->state, RunState::Queued) << "to be tried again";
  ASSERT_TRUE(store->finish(run));
  EXPECT_EQ((*store->findDone("k"))->id, run.id);
  EXPECT_EQ(store->enroll(run)->known->state, RunState::Done);
  ASSERT_TRUE(store->archive(run.id, true));
  EXPECT_EQ(*store->findDone("k"), std::nullopt);
  EXPECT_THAT(*store->runs(), IsEmpty());
  ASSERT_TRUE(store->archive(run.id, false));
  EXPECT_THAT(*store->runs(), SizeIs(1));
}

TEST(Store, ASweepShowsItsOwnRunsAndTheOnesItReused) {
  auto store = *Store::inMemory();
  const auto first = *store->addSweep({.name = "one", .text = "{}", .plans = 1});
  const auto second = *store->addSweep({.name = "two", .text = "{}", .plans = 1});
  EXPECT_EQ(first, *store->addSweep({.name = "one", .text = "{}", .plans = 3})) << "run again it is the same sweep";
  RunRecord run = example();
  run.sweep = first;
  const auto id = *store->addRun(run);
  EXPECT_THAT(*store->runs(second), IsEmpty());
  ASSERT_TRUE(store->addToSweep(second, id));
  EXPECT_THAT(*store->runs(second), SizeIs(1));
  EXPECT_THAT(*store->runs(first), SizeIs(1));
  EXPECT_EQ(store->sweeps()->at(0).plans, 3);
  EXPECT_FALSE(store->sweeps()->at(0).created.empty());
}

TEST(Store, AnUnknownRunIsAnErrorWithItsNumber) {
  auto store = *Store::inMemory();
  EXPECT_THAT(store->run(77).error().message, HasSubstr("77"));
}

TEST(Store, AReaderSeesTheWritersChanges) {
  TemporaryFolder folder;
  auto writer = *Store::open(folder / "s.db");
  auto reader = *Store::open(folder / "s.db", Store::Mode::ReadOnly);
  const auto before = reader->changeCount();
  EXPECT_EQ(before, reader->changeCount());
  ASSERT_TRUE(writer->addRun(example()));
  EXPECT_NE(before, reader->changeCount());
  EXPECT_THAT(*reader->runs(), SizeIs(1));
  EXPECT_FALSE(reader->setNote(1, "x")) << "a reader cannot write";
}

TEST(Store, MeasurementsOfStagesAddUp) {
  auto store = *Store::inMemory();
  const auto id = *store->addRun(example());
  ASSERT_TRUE(store->addMeasurements(
      id, {.metrics = {{"perplexity", {7, 0.1, 9}}}, .engaged = {{"a", 1}}, .dataFingerprint = "d"}));
  ASSERT_TRUE(store->addMeasurements(id, {.metrics = {{"ttft_ms", {3, {}, {}}}}, .noisy = true}));
  const RunRecord run = *store->run(id);
  EXPECT_THAT(run.metrics, SizeIs(2));
  EXPECT_EQ(run.dataFingerprint, "d");
  EXPECT_TRUE(run.noisy);
}

TEST(Store, PositionsOfSamplesLastUntilTheRunIsDone) {
  auto store = *Store::inMemory();
  RunRecord run;
  run.key = "k";
  run.model.fingerprint = "f";
  const auto id = store->addRun(run);
  ASSERT_TRUE(id) << id.error().message;
  const std::string bytes("a\0b\xff", 4);
  ASSERT_TRUE(store->addSample(*id, {3, {{"nll", 1.5}}, bytes}));
  ASSERT_TRUE(store->addSample(*id, {4, {{"nll", 2.5}}}));
  auto kept = *store->unfinishedSamples(*id);
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].positions, bytes);
  EXPECT_EQ(kept[1].positions, "");
  EXPECT_EQ((*store->samples(*id))[0].positions, "");
  ASSERT_TRUE(store->setState(*id, RunState::Interrupted));
  EXPECT_EQ((*store->unfinishedSamples(*id))[0].positions, bytes);
  ASSERT_TRUE(store->setState(*id, RunState::Running));
  ASSERT_TRUE(store->setState(*id, RunState::Done));
  kept = *store->unfinishedSamples(*id);
  EXPECT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].positions, "");
}

}  // namespace
}  // namespace ts
