// SPDX-License-Identifier: GPL-3.0-or-later
// What share of the memory's bandwidth decoding uses, told apart by where the cores are: the host of a virtual machine may move them from
// second to second, and with them go the bandwidth and the price of every line that passes from core to core. A few tokens, the memory and a
// line's round trip are measured in turn; only rounds count before and after which both were the same. And what is left of the bandwidth when
// nothing but the weights is read, in the same pieces, with a barrier after each product: which tells what barriers and streams cost from
// what the rest does.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <vector>

#include "engine/core/bandwidth.h"
#include "engine/core/cpu.h"
#include "engine/core/round_trip.h"
#include "engine/decoding/decoder.h"
#include "engine/registry/registry.h"
#include "engine/session/session.h"
#include "engine/weights/packed.h"

namespace {

constexpr int kTokens = 10;             // of a round
constexpr double kSameBandwidth = 1.1;  // at most, of before and after

enum class Place { Shared, Apart, Unclear };
const char* text(Place place) { return place == Place::Shared ? "cores share a cache" : place == Place::Apart ? "cores apart" : "unclear or one core"; }

struct Look {  // before a round, or after it
  double bandwidth, roundTrip;
  Place place() const { return roundTrip <= 0 ? Place::Unclear : roundTrip < ts::kSharedRoundTrip ? Place::Shared : roundTrip > ts::kApartRoundTrip ? Place::Apart : Place::Unclear; }
};
struct Round {
  double read, bandwidth, roundTrip;  // GB/s that decoding read, GB/s of the memory, ns
  double pieces;                      // GB/s of reading the weights' pieces, 0 where they were not read
};

double seconds(std::chrono::steady_clock::time_point since) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count(); }

/// The weights a token reads, product after product as decoding takes them, each split among the workers as its multiplication splits it;
/// where a product's matrices are of different formats, that is more products than these.
class Pieces {
 public:
  Pieces(const ts::Model& model, ts::ThreadPool& pool) : pool_(pool) {
    for (const ts::Block& b : model.blocks) {
      add({&b.k, &b.v, &b.q}, false);
      add({&b.o}, true);
      add({&b.gate, &b.up}, true);
      add({&b.down}, true);
    }
    add({&model.head}, true);
  }
  /// Whether all weights lie in panels; others, of low rank, are not read.
  bool whole() const { return whole_; }
  /// Reads all of them, a barrier after each product: bytes.
  std::size_t read() {
    for (const Product& product : products_)
      pool_.run([&](int worker) {
        std::uint64_t sum = 0;
        std::int64_t before = 0;
        for (const ts::PanelView* v : product.views) {
          const ts::Range mine = ts::share(product.alike ? v->panels : product.panels, worker, pool_.size());
          const ts::Range panels{std::max<std::int64_t>(0, mine.begin - before), std::min(v->panels, mine.end - before)};
          if (panels.size() > 0) sum += ts::sumOfBytes(v->data + static_cast<std::size_t>(panels.begin) * v->panelBytes, static_cast<std::size_t>(panels.size()) * v->panelBytes);
          if (!product.alike) before += v->panels;
        }
        sink_.fetch_add(sum, std::memory_order_relaxed);
      });
    return bytes_;
  }

 private:
  struct Product {
    std::vector<const ts::PanelView*> views;
    bool alike;
    std::int64_t panels = 0;
  };
  void add(std::initializer_list<const ts::Linear*> maps, bool alike) {
    Product product{{}, alike};
    for (const ts::Linear* map : maps) {
      if (!map->weight) continue;
      const auto* packed = dynamic_cast<const ts::PackedMatrix*>(map->weight.get());
      if (!packed) {
        whole_ = false;
        continue;
      }
      product.views.push_back(&packed->view());
      product.panels += packed->view().panels;
      bytes_ += packed->bytes();
    }
    if (!product.views.empty()) products_.push_back(std::move(product));
  }

  ts::ThreadPool& pool_;
  std::vector<Product> products_;
  std::size_t bytes_ = 0;
  bool whole_ = true;
  std::atomic<std::uint64_t> sink_{0};
};

template <class Of>
double median(const std::vector<Round>& rounds, Of of) {
  std::vector<double> values;
  for (const Round& r : rounds) values.push_back(of(r));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Share of the memory's bandwidth that decoding uses, by where the cores are");
  std::string source, activations = "f32", kv;
  int threads = 0, rounds = 60, depth = 16;
  app.add_option("MODEL", source, "a GGUF file, a Hugging Face folder, or embedded:NAME")->required();
  app.add_option("--activations", activations, "f32 or q8")->check(CLI::IsMember({"f32", "q8"}));
  app.add_option("--kv", kv, "a cache strategy, as in bench");
  app.add_option("--threads", threads, "0: one a core")->check(CLI::Range(0, 1024));
  app.add_option("--rounds", rounds, "of ten tokens each")->check(CLI::Range(1, 100000));
  app.add_option("--depth", depth, "tokens in the cache before the first round")->check(CLI::Range(1, 1 << 20));
  CLI11_PARSE(app, argc, argv);

  using namespace ts;
  const auto fail = [](const Error& error) { return std::fprintf(stderr, "%s\n", error.message.c_str()), 1; };
  ThreadPool pool(threads);
  const auto model = loadModel(source, pool);
  if (!model) return fail(model.error());
  SessionOptions options{.kv = {}, .activations = activations == "q8" ? Activations::Q8 : Activations::F32, .capacity = depth + kTokens + 1};
  if (!kv.empty()) {
    const auto spec = parseStrategy(kv, "--kv");
    if (!spec) return fail(spec.error());
    options.kv.push_back(*spec);
  }
  const auto opened = Session::open(*model, pool, options);
  if (!opened) return fail(opened.error());
  Session& session = **opened;
  const std::vector<int> prompt(static_cast<std::size_t>(depth), 1);
  const DraftTree next{{1}, {-1}};
  const int path[] = {0};
  const auto decode = [&](int tokens) -> Result<void> {
    for (int i = 0; i < tokens; ++i) {
      TS_CHECK(session.decode(next));
      session.commit(path);
    }
    return {};
  };

  ReadProbe memory(pool, std::max<std::size_t>(6 * cpuInfo().lastLevelBytes, std::size_t{64} << 20));
  const auto look = [&] {
    const double roundTrip = measureRoundTrip(pool);
    return Look{memory.pass(), roundTrip};
  };
  Pieces pieces(**model, pool);
  std::vector<Round> of[3];
  if (const auto done = session.prefill(prompt, depth, {}); !done) return fail(done.error());
  Look before = look();
  for (int i = 0; i < rounds; ++i) {
    if (session.draftLimit() < 1 || (depth < 512 && session.position() > depth + 48)) {  // begins anew, so that attention stays what it was
      session.reset();
      if (const auto done = session.prefill(prompt, depth, {}); !done) return fail(done.error());
    }
    if (const auto done = decode(1); !done) return fail(done.error());  // what the probe threw out of the caches
    session.ledger().clear();
    const auto start = std::chrono::steady_clock::now();
    if (const auto done = decode(kTokens); !done) return fail(done.error());
    const double read = static_cast<double>(session.ledger().total().bytes) / seconds(start) / 1e9;
    double bare = 0;
    if (pieces.whole()) {
      pieces.read();
      const auto begin = std::chrono::steady_clock::now();
      std::size_t bytes = 0;
      for (int t = 0; t < kTokens; ++t) bytes += pieces.read();
      bare = static_cast<double>(bytes) / seconds(begin) / 1e9;
    }
    const Look after = look();
    if (before.place() == after.place() && std::max(before.bandwidth, after.bandwidth) < kSameBandwidth * std::min(before.bandwidth, after.bandwidth))
      of[static_cast<int>(after.place())].push_back({read, 0.5 * (before.bandwidth + after.bandwidth), std::max(before.roundTrip, after.roundTrip), bare});
    before = after;
  }
  for (const Place place : {Place::Shared, Place::Apart, Place::Unclear}) {
    const std::vector<Round>& some = of[static_cast<int>(place)];
    if (some.empty()) continue;
    const auto middle = [&](auto value) { return median(some, value); };
    std::printf("%-20s %4zu rounds: memory %.1f GB/s, decoding reads %.1f GB/s, uses %.1f %%, a line's round trip %.0f ns\n", text(place), some.size(), middle([](const Round& r) { return r.bandwidth; }),
                middle([](const Round& r) { return r.read; }), 100 * middle([](const Round& r) { return r.read / r.bandwidth; }), middle([](const Round& r) { return r.roundTrip; }));
    if (!pieces.whole()) std::printf("%-32s the weights' pieces are not read by themselves: some matrices are of low rank\n", "");
    else
      std::printf("%-32s the weights' pieces read by themselves, a barrier after each product: %.1f GB/s, %.1f %% of the memory; decoding has %.1f %% of that\n", "", middle([](const Round& r) { return r.pieces; }),
                  100 * middle([](const Round& r) { return r.pieces / r.bandwidth; }), 100 * middle([](const Round& r) { return r.read / r.pieces; }));
  }
  return 0;
}
