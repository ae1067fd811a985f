// SPDX-License-Identifier: GPL-3.0-or-later
// Valid small files, truncated everywhere and with bytes changed at random: an error or a value, never a crash. The
// fuzzers in tests/fuzz go on from here.
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "tests/engine/formats/files.h"
#include "tests/fuzz/read_hostile.h"

namespace ts {
namespace {

template <class Read>
void mutate(const std::string& whole, Read&& read, unsigned seed) {
  ASSERT_TRUE(read(whole));
  for (std::size_t length = 0; length < whole.size(); length += whole.size() > 8000 ? 7 : 1) {
    const std::string exact(whole, 0, length);
    read(exact);
  }
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  int accepted = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string changed = whole;
    for (std::size_t n = 1 + below(3); n > 0; --n) {
      char& byte = changed[below(round % 2 ? changed.size() : std::min<std::size_t>(changed.size(), 1500))];
      switch (below(4)) {
        case 0: byte = static_cast<char>(random()); break;
        case 1: byte = static_cast<char>(byte ^ (1 << below(8))); break;
        case 2: byte = '\xFF'; break;
        default: byte = static_cast<char>(byte + 1); break;
      }
    }
    accepted += read(changed);
  }
  EXPECT_GT(accepted, 0);  // a change in the data is none of the reader's business
}

TEST(Hostile, Gguf) {
  mutate(files::smallGguf(), hostile::gguf, 1);
  const std::string model = files::modelGguf();
  const auto valid = readGguf(hostile::spanOf(model), nullptr, "m");
  ASSERT_TRUE(valid.has_value()) << valid.error().message << valid.error().where;
  const auto config = ggufConfig(*valid);
  ASSERT_TRUE(config.has_value()) << config.error().message;
  std::vector<std::string> unused;
  const auto tensors = ggufTensors(*valid, *config, unused);
  ASSERT_TRUE(tensors.has_value()) << tensors.error().message;
  EXPECT_TRUE(unused.empty());
  EXPECT_EQ(config->ropes.front().scaling.kind, RopeScaling::Kind::LongRope);
  mutate(model, hostile::gguf, 2);
}

TEST(Hostile, SafeTensors) { mutate(files::smallSafeTensors(), hostile::safeTensors, 3); }

TEST(Hostile, Config) {
  for (const std::string name : {"gemma3", "gpt2", "llama-rope-yarn"}) {
    std::ifstream in(TS_SOURCE_DIR "/tests/data/families/" + name + "/config.json");
    mutate(std::string((std::istreambuf_iterator<char>(in)), {}), hostile::config, 4);
  }
}

TEST(Hostile, NumbersBeyondAllRange) {
  for (const std::string value : {"-1", "0", "1e999", "1e308", "99999999999999999999", "9223372036854775807", "\"x\"", "[]", "{}", "true", "0.5"})
    for (const std::string key : {"hidden_size", "num_attention_heads", "num_hidden_layers", "head_dim", "vocab_size", "rms_norm_eps", "rope_theta", "sliding_window",
                                  "max_position_embeddings", "layer_types", "rope_scaling", "eos_token_id", "partial_rotary_factor"})
      hostile::config(R"({"model_type": "mistral", "vocab_size": 8, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 8, "intermediate_size": 8, ")" +
                      key + "\": " + value + "}");
  for (const std::string value : {"-1", "0", "1e-320", "1e308", "99999999999999999999", "\"x\"", "[1]", "null"})
    for (const std::string type : {"linear", "llama3", "yarn", "longrope", "su", "dynamic"})
      for (const std::string key : {"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings", "beta_fast", "rope_theta", "short_factor"})
        hostile::config(R"({"model_type": "phi3", "vocab_size": 8, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 8, "intermediate_size": 8,
                         "rope_scaling": {"type": ")" + type + R"(", "long_factor": [1, 1], ")" + key + "\": " + value + "}}");
}

}  // namespace
}  // namespace ts
