// SPDX-License-Identifier: GPL-3.0-or-later
// Ids of real tokenizers, as their own implementations give them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/core/resources.h"
#include "engine/formats/gguf.h"
#include "engine/formats/tokenizer_load.h"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ts::Tokenizer;

const fs::path kData = fs::path(TS_SOURCE_DIR) / "tests" / "data" / "tokenizers";

std::string readAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::shared_ptr<const Tokenizer> ofGguf(const fs::path& path) {
  auto file = ts::readGguf(path);
  if (!file) {
    ADD_FAILURE() << file.error().message;
    return nullptr;
  }
  auto tokenizer = ts::tokenizerOfGguf(*file);
  if (!tokenizer) ADD_FAILURE() << tokenizer.error().message;
  return tokenizer ? *tokenizer : nullptr;
}

fs::path reference() {
  const char* folder = std::getenv("TRADESPACE_REFERENCE");
  return folder ? fs::path(folder) : fs::path();
}

fs::path smolLm2() {
  const char* folder = std::getenv("TRADESPACE_MODELS");
  const char* home = std::getenv("HOME");
  const fs::path models = folder ? fs::path(folder) : fs::path(home ? home : "") / ".cache" / "tradespace-models";
  return models / "SmolLM2-135M-Instruct.Q4_1.gguf";
}

// llama.cpp's vocabulary tests: texts separated by a marker, a line of ids for each.
void expectGolden(const fs::path& gguf) {
  const auto tokenizer = ofGguf(gguf);
  ASSERT_TRUE(tokenizer);
  const std::string texts = readAll(gguf.string() + ".inp");
  std::stringstream lines(readAll(gguf.string() + ".out"));
  const std::string marker = "\n__ggml_vocab_test__\n";
  int count = 0;
  for (std::size_t at = 0; at < texts.size(); ++count) {
    const std::size_t end = texts.find(marker, at);
    const std::string text = texts.substr(at, end == std::string::npos ? end : end - at);
    if (end == std::string::npos) break;
    at = end + marker.size();
    std::string line;
    ASSERT_TRUE(std::getline(lines, line));
    std::stringstream numbers(line);
    std::vector<int> expected;
    for (int id; numbers >> id;) expected.push_back(id);
    EXPECT_EQ(tokenizer->encode(text, {.addSpecial = false, .parseSpecial = false}), expected) << '"' << text << '"';
  }
  EXPECT_GT(count, 40);
}

TEST(Tokenizer, EmbeddedModel) {
  const fs::path folder = ts::resourceFolder() / "models" / "ts-16m";
  const auto tokenizer = ts::tokenizerOfFolder(folder);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  ASSERT_TRUE(*tokenizer);
  EXPECT_EQ((*tokenizer)->vocabularySize(), 8192);
  EXPECT_EQ((*tokenizer)->eos(), 0);
  EXPECT_FALSE((*tokenizer)->addsBos());
  const json golden = json::parse(readAll(folder / "reference.json"));
  for (const json& entry : golden["tokenizer"]) {
    const auto text = entry["text"].get<std::string>();
    const auto ids = (*tokenizer)->encode(text);
    EXPECT_EQ(ids, entry["ids"].get<std::vector<int>>()) << text;
    EXPECT_EQ((*tokenizer)->decode(ids), text);
  }
  for (const json& entry : golden["greedy"]) {
    EXPECT_EQ((*tokenizer)->encode(entry["prompt"].get<std::string>()), entry["prompt_ids"].get<std::vector<int>>());
    EXPECT_EQ((*tokenizer)->decode(entry["continuation_ids"].get<std::vector<int>>()), entry["continuation_text"].get<std::string>());
  }
}

TEST(Tokenizer, SmolLm2) {
  if (!fs::exists(smolLm2())) GTEST_SKIP() << smolLm2() << " is not there; packaging/fetch-models fetches it";
  const auto tokenizer = ofGguf(smolLm2());
  ASSERT_TRUE(tokenizer);
  const json golden = json::parse(readAll(kData / "smollm2.json"));
  for (const json& entry : golden["texts"]) {
    const auto text = entry["text"].get<std::string>();
    const auto ids = tokenizer->encode(text);
    EXPECT_EQ(ids, entry["ids"].get<std::vector<int>>()) << text;
    EXPECT_EQ(tokenizer->decode(ids), text);
  }
  if (reference().empty()) return;
  const auto ids = tokenizer->encode(readAll(reference() / "data" / "eval" / "wikitext-2-raw.test.txt"));
  EXPECT_EQ(ids.size(), golden["wikitext2"]["tokens"].get<std::size_t>());
  EXPECT_EQ(std::vector<int>(ids.begin(), ids.begin() + 64), golden["wikitext2"]["first_ids"].get<std::vector<int>>());
}

TEST(Tokenizer, Phi3SentencePiece) { expectGolden(kData / "ggml-vocab-phi-3.gguf"); }

TEST(Tokenizer, Gpt2) {
  if (reference().empty()) GTEST_SKIP() << "TRADESPACE_REFERENCE is not set";
  expectGolden(reference() / "data" / "tokenizers" / "ggml-vocab-gpt-2.gguf");
}

TEST(Tokenizer, SaysWhatItCannotRun) {
  if (reference().empty()) GTEST_SKIP() << "TRADESPACE_REFERENCE is not set";
  const auto file = ts::readGguf(reference() / "data" / "tokenizers" / "ggml-vocab-bert-bge.gguf");
  ASSERT_TRUE(file);
  const auto tokenizer = ts::tokenizerOfGguf(*file);
  ASSERT_FALSE(tokenizer);
  EXPECT_NE(tokenizer.error().message.find("\"bert\""), std::string::npos) << tokenizer.error().message;
  EXPECT_EQ(tokenizer.error().kind, ts::ErrorKind::Unsupported);
}

}  // namespace
