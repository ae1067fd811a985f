// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/gguf.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "tests/engine/formats/files.h"

namespace ts {
namespace {

using namespace files;

Result<GgufFile> read(const std::string& bytes) {
  return readGguf({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, nullptr, "a.gguf");
}

void expectError(const std::string& bytes, const std::string& message, const std::string& where) {
  const auto file = read(bytes);
  ASSERT_FALSE(file.has_value()) << message;
  EXPECT_NE(file.error().message.find(message), std::string::npos) << file.error().message;
  EXPECT_EQ(file.error().where, where) << file.error().message;
}

TEST(Gguf, ReadsMetadataAndTensors) {
  const std::string bytes = smallGguf();
  const auto file = read(bytes);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->version, 3u);
  EXPECT_EQ(file->get<std::string>("general.architecture"), "llama");
  EXPECT_EQ(file->get<std::int64_t>("llama.block_count"), 2);
  EXPECT_EQ(file->get<double>("llama.rope.freq_base"), 10000.0);
  EXPECT_EQ(file->get<bool>("tokenizer.ggml.add_bos_token"), true);
  ASSERT_NE(file->array<std::string>("tokenizer.ggml.tokens"), nullptr);
  EXPECT_EQ(file->array<std::string>("tokenizer.ggml.tokens")->at(1), "b");
  EXPECT_EQ(file->array<std::int64_t>("tokenizer.ggml.token_type")->at(2), -1);
  ASSERT_EQ(file->tensors.size(), 2u);
  const Tensor& tensor = file->find("one")->tensor;
  EXPECT_EQ(tensor.rows, 3);
  EXPECT_EQ(tensor.cols, 2);
  EXPECT_EQ(tensor.toFloats(), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(file->find("two")->tensor.type, TensorType::Q8_0);
  EXPECT_EQ(file->find("two")->tensor.rows, 1);
}

TEST(Gguf, VersionTwoIsReadAndOthersAreNamed) {
  std::string bytes = smallGguf();
  bytes[4] = 2;
  EXPECT_TRUE(read(bytes).has_value());
  bytes[4] = 1;
  expectError(bytes, "expected GGUF version 2 or 3, found 1", "a.gguf @ byte 4");
  bytes[4] = 0;
  bytes[7] = 3;
  expectError(bytes, "big-endian", "a.gguf @ byte 4");
  expectError("GGML", "expected a GGUF file", "a.gguf @ byte 0");
  expectError("", "expected the GGUF magic number of 4 bytes, the file ends after 0", "a.gguf @ byte 0");
}

TEST(Gguf, CountsAndLengthsAreCheckedAgainstTheFile) {
  GgufBytes hostile;
  hostile.header(~0ull, 0);
  expectError(hostile.bytes + std::string(64, 'x'), "number of tensors this file can hold", "a.gguf @ byte 8");
  GgufBytes values;
  values.header(0, 1ull << 60);
  expectError(values.bytes + std::string(64, 'x'), "number of metadata values this file can hold", "a.gguf @ byte 16");
  GgufBytes key;
  key.header(0, 1).put<std::uint64_t>(~0ull);
  expectError(key.bytes + std::string(64, 'x'), "a metadata key of 18446744073709551615 bytes", "a.gguf @ byte 32");
  GgufBytes array;
  array.header(0, 1).text("k").put<std::uint32_t>(9).put<std::uint32_t>(0).put<std::uint64_t>(1ull << 40);
  expectError(array.bytes + std::string(64, 'x'), "number of elements this file can hold", "a.gguf @ byte 41");
}

TEST(Gguf, ValuesMustBeWhatTheirTypeSays) {
  GgufBytes type;
  type.header(0, 1).text("k").put<std::uint32_t>(13);
  expectError(type.bytes + std::string(8, '\0'), "metadata type from 0 to 12", "a.gguf @ byte 33");
  GgufBytes truth;
  truth.header(0, 1).text("k").put<std::uint32_t>(7).put<std::uint8_t>(2);
  expectError(truth.bytes, "truth value 0 or 1", "a.gguf @ byte 37");
  GgufBytes big;
  big.header(0, 1).text("k").put<std::uint32_t>(10).put<std::uint64_t>(~0ull);
  expectError(big.bytes, "below 2^63", "a.gguf @ byte 37");
  GgufBytes nested;
  nested.header(0, 1).text("k").put<std::uint32_t>(9).put<std::uint32_t>(9).put<std::uint64_t>(0);
  expectError(nested.bytes, "array of arrays", "a.gguf @ byte 37");
  GgufBytes twice;
  twice.header(0, 2);
  for (int i = 0; i < 2; ++i) twice.text("k").put<std::uint32_t>(0).put<std::uint8_t>(1);
  expectError(twice.bytes, "each metadata key once", "a.gguf @ byte 38");
  GgufBytes alignment;
  alignment.header(0, 1).text("general.alignment").put<std::uint32_t>(4).put<std::uint32_t>(24);
  expectError(alignment.bytes, "power of two", "a.gguf");
}

struct Entry {
  std::string name = "t";
  std::vector<std::uint64_t> dimensions = {4};
  std::uint32_t type = 0;
  std::uint64_t offset = 0;
};
std::string fileOf(const std::vector<Entry>& entries, std::size_t dataBytes = 64) {
  GgufBytes out;
  out.header(entries.size(), 0);
  for (const Entry& e : entries) {
    out.text(e.name).put(static_cast<std::uint32_t>(e.dimensions.size()));
    for (auto d : e.dimensions) out.put(d);
    out.put(e.type).put(e.offset);
  }
  return out.pad(32).bytes + std::string(dataBytes, '\0');
}

TEST(Gguf, TensorsMustLieInTheFileAndApart) {
  EXPECT_TRUE(read(fileOf({{}})).has_value());
  EXPECT_TRUE(read(fileOf({{.name = "a"}, {.name = "b", .offset = 32}})).has_value());
  expectError(fileOf({{.name = "a"}, {.name = "a", .offset = 32}}), "each tensor once", "a.gguf @ byte 57");
  expectError(fileOf({{.name = "a"}, {.name = "b"}}), "do not overlap", "a.gguf @ byte 82");
  expectError(fileOf({{.offset = 64}}), "is it complete?", "a.gguf @ byte 49");
  expectError(fileOf({{.offset = 7}}), "multiple of 32", "a.gguf @ byte 49");
  expectError(fileOf({{.offset = ~31ull}}), "is it complete?", "a.gguf @ byte 49");
  expectError(fileOf({{.dimensions = {0}}}), "that this file can hold, found 0", "a.gguf @ byte 37");
  expectError(fileOf({{.dimensions = {1ull << 32, 1ull << 32}}}), "that this file can hold", "a.gguf @ byte 37");
  expectError(fileOf({{.dimensions = {64, 1ull << 59}}}), "that this file can hold", "a.gguf @ byte 45");
  expectError(fileOf({{.dimensions = {1, 1, 1, 1, 1}}}), "1 to 4 dimensions", "a.gguf @ byte 33");
  expectError(fileOf({{.dimensions = {}}}), "1 to 4 dimensions", "a.gguf @ byte 33");
  expectError(fileOf({{.dimensions = {33}, .type = 8}}), "multiple of 32 (Q8_0)", "a.gguf @ byte 37");
  expectError(fileOf({{.type = 16}}), "found ggml type 16", "a.gguf @ byte 45");
  expectError(fileOf({{.name = "bad\n\xFFname", .type = 99}}), "\"bad\\x0A\\xFFname\"", "a.gguf @ byte 53");
}

TEST(Gguf, TruncatedAnywhereIsAnError) {
  const std::string whole = smallGguf();
  ASSERT_TRUE(read(whole).has_value());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::string exact = whole.substr(0, length);  // its own allocation: a sanitizer sees a read past the end
    const auto file = read(exact);
    ASSERT_FALSE(file.has_value()) << length;
    ASSERT_FALSE(file.error().message.empty());
  }
}

TEST(Gguf, WhatIsWrittenIsReadBack) {
  const std::string bytes = smallGguf();
  const auto file = read(bytes);
  const Folder folder;
  ASSERT_TRUE(writeGguf(folder / "copy.gguf", *file).has_value());
  const auto copy = readGguf(folder / "copy.gguf");
  ASSERT_TRUE(copy.has_value()) << copy.error().message;
  EXPECT_EQ(copy->valueTypes, file->valueTypes);
  ASSERT_EQ(copy->metadata.size(), file->metadata.size());
  EXPECT_EQ(*copy->array<std::string>("tokenizer.ggml.tokens"), *file->array<std::string>("tokenizer.ggml.tokens"));
  EXPECT_EQ(*copy->array<std::int64_t>("tokenizer.ggml.token_type"), *file->array<std::int64_t>("tokenizer.ggml.token_type"));
  EXPECT_EQ(copy->get<double>("llama.rope.freq_base"), 10000.0);
  ASSERT_EQ(copy->tensors.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(copy->tensors[i].name, file->tensors[i].name);
    EXPECT_EQ(copy->tensors[i].dimensions, file->tensors[i].dimensions);
    EXPECT_EQ(copy->tensors[i].tensor.toFloats(), file->tensors[i].tensor.toFloats());
  }
}

TEST(Gguf, AFailedWriteLeavesWhatWasThere) {
  const std::string bytes = smallGguf();
  const auto file = read(bytes);
  const Folder folder;
  std::ofstream(folder / "model.gguf") << "before";
  // A limit on the size of files stands in for the full disk.
  rlimit old;
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{100, old.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const auto result = writeGguf(folder / "model.gguf", *file);
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, ErrorKind::Io);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"model.gguf"});
  std::string content;
  std::getline(std::ifstream(folder / "model.gguf"), content);
  EXPECT_EQ(content, "before");
}

TEST(Gguf, AFolderOrAMissingFileIsSaid) {
  const Folder folder;
  EXPECT_EQ(readGguf(folder / "none.gguf").error().kind, ErrorKind::Io);
  EXPECT_EQ(readGguf(folder / "").error().kind, ErrorKind::Io);
  std::ofstream(folder / "empty.gguf");
  EXPECT_EQ(readGguf(folder / "empty.gguf").error().where, (folder / "empty.gguf").string() + " @ byte 0");
}

}  // namespace
}  // namespace ts
