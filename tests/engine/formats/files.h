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

}  // namespace ts::files
