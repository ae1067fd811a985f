// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// Small files made in memory and a folder to put them in.
namespace ts::files {

/// A fresh folder, removed with everything in it at the end.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tradespace-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) out.push_back(entry.path().filename().string());
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  std::filesystem::path path_;
};

/// Writes GGUF's pieces as the specification lays them out, also wrong ones.
struct GgufBytes {
  std::string bytes;
  template <class T>
  GgufBytes& put(T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  GgufBytes& text(std::string_view value) {
    put<std::uint64_t>(value.size());
    bytes += value;
    return *this;
  }
  GgufBytes& header(std::uint64_t tensors, std::uint64_t values) {
    bytes += "GGUF";
    return put<std::uint32_t>(3).put(tensors).put(values);
  }
  GgufBytes& pad(std::size_t alignment) {
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment, '\0');
    return *this;
  }
};

/// A whole valid file: one value of each kind, a matrix of floats 0..5 and a vector of one Q8_0 block.
inline std::string smallGguf() {
  GgufBytes out;
  out.header(2, 9);
  out.text("general.architecture").put<std::uint32_t>(8).text("llama");
  out.text("llama.block_count").put<std::uint32_t>(4).put<std::uint32_t>(2);
  out.text("llama.rope.freq_base").put<std::uint32_t>(6).put<float>(10000.0f);
  out.text("tokenizer.ggml.add_bos_token").put<std::uint32_t>(7).put<std::uint8_t>(1);
  out.text("tokenizer.ggml.tokens").put<std::uint32_t>(9).put<std::uint32_t>(8).put<std::uint64_t>(3).text("a").text("b").text("");
  out.text("tokenizer.ggml.token_type").put<std::uint32_t>(9).put<std::uint32_t>(5).put<std::uint64_t>(3);
  out.put<std::int32_t>(1).put<std::int32_t>(3).put<std::int32_t>(-1);
  out.text("tokenizer.ggml.scores").put<std::uint32_t>(9).put<std::uint32_t>(6).put<std::uint64_t>(1).put<float>(-0.5f);
  out.text("some.uint64").put<std::uint32_t>(10).put<std::uint64_t>(7);
  out.text("some.double").put<std::uint32_t>(12).put<double>(0.1);
  out.text("one").put<std::uint32_t>(2).put<std::uint64_t>(2).put<std::uint64_t>(3).put<std::uint32_t>(0).put<std::uint64_t>(0);
  out.text("two").put<std::uint32_t>(1).put<std::uint64_t>(32).put<std::uint32_t>(8).put<std::uint64_t>(32);
  out.pad(32);
  for (int i = 0; i < 6; ++i) out.put<float>(static_cast<float>(i));
  out.pad(32);
  out.put<std::uint16_t>(0x3C00);
  for (int i = 0; i < 32; ++i) out.put<std::int8_t>(static_cast<std::int8_t>(i - 16));
  return out.bytes;
}

/// A safetensors file: the header's length, the header, the data.
inline std::string safeTensorsBytes(std::string_view header, std::string_view data) {
  GgufBytes out;
  out.text(header);
  return out.bytes.append(data);
}

inline std::string smallSafeTensors() {
  return safeTensorsBytes(R"({"__metadata__": {"format": "pt"}, "a.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},)"
                          R"( "b": {"dtype": "F16", "shape": [4], "data_offsets": [24, 32]}, "c": {"dtype": "I64", "shape": [], "data_offsets": [32, 40]}})",
                          std::string(40, '\x01'));
}

/// A GGUF of a whole Phi-3 of one layer (fused projections, LongRoPE factors, a tokenizer), every matrix Q8_0.
inline std::string modelGguf() {
  struct Entry {
    std::string name;
    std::uint64_t cols, rows;
    bool floats;
  };
  const std::vector<Entry> entries = {{"token_embd.weight", 32, 4, false},      {"output_norm.weight", 32, 1, true},      {"output.weight", 32, 4, false},
                                      {"rope_factors_long.weight", 8, 1, true}, {"rope_factors_short.weight", 8, 1, true}, {"blk.0.attn_norm.weight", 32, 1, true},
                                      {"blk.0.attn_qkv.weight", 32, 64, false}, {"blk.0.attn_output.weight", 32, 32, false}, {"blk.0.ffn_norm.weight", 32, 1, true},
                                      {"blk.0.ffn_up.weight", 32, 64, false},   {"blk.0.ffn_down.weight", 32, 32, false}};
  GgufBytes out;
  out.header(entries.size(), 19);
  const auto number = [&](std::string_view key, std::uint32_t value) { out.text(key).put<std::uint32_t>(4).put(value); };
  const auto real = [&](std::string_view key, float value) { out.text(key).put<std::uint32_t>(6).put(value); };
  const auto word = [&](std::string_view key, std::string_view value) { out.text(key).put<std::uint32_t>(8).text(value); };
  word("general.architecture", "phi3");
  number("phi3.block_count", 1);
  number("phi3.context_length", 64);
  number("phi3.embedding_length", 32);
  number("phi3.feed_forward_length", 32);
  number("phi3.attention.head_count", 2);
  number("phi3.attention.head_count_kv", 1);
  number("phi3.attention.sliding_window", 8);
  number("phi3.rope.dimension_count", 16);
  number("phi3.rope.scaling.original_context_length", 16);
  real("phi3.rope.freq_base", 10000.0f);
  real("phi3.rope.scaling.attn_factor", 1.2f);
  real("phi3.attention.layer_norm_rms_epsilon", 1e-5f);
  word("tokenizer.ggml.model", "gpt2");
  word("tokenizer.ggml.pre", "gpt-2");
  out.text("tokenizer.ggml.tokens").put<std::uint32_t>(9).put<std::uint32_t>(8).put<std::uint64_t>(4).text("a").text("b").text("ab").text("<|end|>");
  out.text("tokenizer.ggml.token_type").put<std::uint32_t>(9).put<std::uint32_t>(5).put<std::uint64_t>(4);
  for (const std::int32_t kind : {1, 1, 1, 3}) out.put(kind);
  out.text("tokenizer.ggml.merges").put<std::uint32_t>(9).put<std::uint32_t>(8).put<std::uint64_t>(1).text("a b");
  number("tokenizer.ggml.eos_token_id", 3);
  std::uint64_t offset = 0;
  for (const Entry& e : entries) {
    out.text(e.name).put<std::uint32_t>(e.rows == 1 ? 1 : 2).put(e.cols);
    if (e.rows > 1) out.put(e.rows);
    out.put<std::uint32_t>(e.floats ? 0 : 8).put(offset);
    offset += (e.cols * e.rows / 32 * (e.floats ? 128 : 34) + (e.cols < 32 ? 32 : 0) + 31) / 32 * 32;
  }
  out.pad(32);
  for (std::uint64_t i = 0; i < offset / 4; ++i) out.put<float>(1.0f);
  return out.bytes;
}

}  // namespace ts::files
