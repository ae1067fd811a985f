// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "tests/engine/formats/files.h"

namespace ts {
namespace {

using files::Folder;
using files::safeTensorsBytes;

Result<SafeTensorsFile> read(const std::string& bytes) {
  return readSafeTensors({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, nullptr, "a.safetensors");
}

void expectError(const std::string& header, const std::string& message, const std::string& where, std::size_t data = 24) {
  const auto file = read(safeTensorsBytes(header, std::string(data, '\0')));
  ASSERT_FALSE(file.has_value()) << header;
  EXPECT_NE(file.error().message.find(message), std::string::npos) << file.error().message;
  EXPECT_EQ(file.error().where, "a.safetensors @ byte " + where) << file.error().message;
}

TEST(SafeTensors, ReadsTheTypesOfWeights) {
  const float values[] = {1.0f, 2.0f, 3.0f, 4.0f};
  std::string data(reinterpret_cast<const char*>(values), 16);
  data += std::string("\x00\x3C\x00\x40", 4);  // F16: 1, 2
  data += std::string("\x80\x3F\x00\x40", 4);  // BF16: 1, 2
  const auto file = read(safeTensorsBytes(R"({"__metadata__": {"format": "pt"},
    "m": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
    "h": {"dtype": "F16", "shape": [2], "data_offsets": [16, 20]},
    "b": {"dtype": "BF16", "shape": [1, 2, 1], "data_offsets": [20, 24]}})", data));
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->metadata.at("format"), "pt");
  const SafeTensor& m = file->tensors.find("m")->second;
  EXPECT_EQ(m.tensor.rows, 2);
  EXPECT_EQ(m.tensor.cols, 2);
  EXPECT_EQ(m.tensor.toFloats(), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(file->tensors.find("h")->second.tensor.toFloats(), (std::vector<float>{1, 2}));
  EXPECT_EQ(file->tensors.find("b")->second.tensor.rows, 2);
  EXPECT_EQ(file->tensors.find("b")->second.tensor.toFloats(), (std::vector<float>{1, 2}));
}

TEST(SafeTensors, OtherTypesAreHeldButNotReadable) {
  const auto file = read(safeTensorsBytes(R"({"a": {"dtype": "I64", "shape": [3], "data_offsets": [0, 24]},
    "b": {"dtype": "F4_FUTURE", "shape": [3], "data_offsets": [0, 0]}})", std::string(24, '\0')));
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_FALSE(file->tensors.find("a")->second.readable);
  EXPECT_FALSE(file->tensors.find("b")->second.readable);
}

TEST(SafeTensors, TheHeaderIsCheckedAgainstTheFile) {
  std::string huge(16, '\xFF');
  const auto file = read(huge);
  ASSERT_FALSE(file.has_value());
  EXPECT_NE(file.error().message.find("expected a header of at most 8 bytes"), std::string::npos) << file.error().message;
  EXPECT_FALSE(read("").has_value());
  expectError("[]", "start with \"{\"", "8");
  expectError("{", "expected JSON", "9");
  expectError(R"({"a": 1})", "an object for each tensor", "16");
  expectError(R"({"a": {"dtype": "F32", "shape": [6]}})", "expected \"data_offsets\" of tensor \"a\"", "44");
  expectError(R"({"a": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}, "a": {}})", "each tensor once", "74");
  expectError(R"({"a": {"dtype": "F32", "dtype": "F32"}})", "each field once", "38");
  expectError(R"({"a": {"dtype": "F32", "shape": [-6], "data_offsets": [0, 24]}})", "a negative number", "44");
  expectError(R"({"a": {"dtype": "F32", "shape": [1.5], "data_offsets": [0, 24]}})", "a fraction", "45");
  expectError(R"({"a": {"dtype": "F32", "shape": [[1]], "data_offsets": [0, 24]}})", "a list", "42");
  expectError(R"({"a": {"sort": "F32"}})", "found \"sort\"", "21");
  expectError(R"({"__metadata__": {"format": 1}})", "only texts", "38");
  expectError(std::string("{\"a\xFF\": {}}"), "expected JSON", "11");
}

TEST(SafeTensors, ByteRangesFitShapesStayInTheFileAndApart) {
  expectError(R"({"a": {"dtype": "F32", "shape": [6], "data_offsets": [0, 28]}})", "within the file's 24 data bytes", "12");
  expectError(R"({"a": {"dtype": "F32", "shape": [6], "data_offsets": [24, 0]}})", "to be a range", "12");
  expectError(R"({"a": {"dtype": "F32", "shape": [6], "data_offsets": [0]}})", "to be a range", "12");
  expectError(R"({"a": {"dtype": "F32", "shape": [5], "data_offsets": [0, 24]}})", "expected 5 values of F32", "12");
  expectError(R"({"a": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 24]}})", "that this file can hold", "12");
  expectError(R"({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}, "b": {"dtype": "F32", "shape": [3], "data_offsets": [12, 24]}})",
              "do not overlap, tensor \"b\"", "74");
}

TEST(SafeTensors, TruncatedAnywhereIsAnError) {
  const std::string whole = safeTensorsBytes(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})", std::string(8, 'x'));
  ASSERT_TRUE(read(whole).has_value());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::string exact = whole.substr(0, length);
    EXPECT_FALSE(read(exact).has_value()) << length;
  }
}

TEST(SafeTensors, ShardsMustHoldWhatTheIndexSays) {
  const Folder folder;
  const std::string shard = safeTensorsBytes(R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", std::string(4, '\0'));
  std::ofstream(folder / "one.safetensors") << shard;
  const auto index = [&](const std::string& text) { std::ofstream(folder / "model.safetensors.index.json") << text; };
  index(R"({"weight_map": {"a": "one.safetensors"}})");
  const auto good = readSafeTensorsFolder(folder.path());
  ASSERT_TRUE(good.has_value()) << good.error().message;
  EXPECT_EQ(good->files, 1);
  index(R"({"weight_map": {"a": "one.safetensors", "b": "one.safetensors"}})");
  EXPECT_NE(readSafeTensorsFolder(folder.path()).error().message.find("expected tensor \"b\""), std::string::npos);
  index(R"({"weight_map": {"a": "../one.safetensors"}})");
  EXPECT_NE(readSafeTensorsFolder(folder.path()).error().message.find("plain name of a file"), std::string::npos);
  index(R"({"weight_map": {"a": "two.safetensors"}})");
  EXPECT_EQ(readSafeTensorsFolder(folder.path()).error().kind, ErrorKind::Io);
  index(R"({"weight_map": [])");
  EXPECT_FALSE(readSafeTensorsFolder(folder.path()).has_value());
}

TEST(SafeTensors, AFolderWithoutThemSaysWhatIsMissing) {
  const Folder folder;
  std::ofstream(folder / "pytorch_model.bin") << "x";
  const auto result = readSafeTensorsFolder(folder.path());
  ASSERT_FALSE(result.has_value());
  EXPECT_NE(result.error().message.find("convert them to safetensors"), std::string::npos);
}

}  // namespace
}  // namespace ts
