// SPDX-License-Identifier: GPL-3.0-or-later
// Small tokenizers of every kind, with ids by the tokenizers and sentencepiece packages, and what broken ones are answered.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/formats/tokenizer_json.h"
#include "engine/formats/tokenizer_load.h"
#include "tests/engine/formats/files.h"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kData = fs::path(TS_SOURCE_DIR) / "tests" / "data" / "tokenizers";

const json& golden() {
  static const json file = json::parse(std::ifstream(kData / "small.json"));
  return file;
}

TEST(TokenizerKinds, HuggingFace) {
  for (const json& entry : golden()["tokenizers"]) {
    const auto tokenizer = ts::tokenizerOfJson(entry["json"].dump(), "", "small.json");
    ASSERT_TRUE(tokenizer) << entry["name"] << ": " << tokenizer.error().message;
    for (const json& c : entry["cases"]) {
      const auto text = c["text"].get<std::string>();
      EXPECT_EQ((*tokenizer)->encode(text), c["ids"].get<std::vector<int>>()) << entry["name"] << " \"" << text << '"';
      if (c.contains("plain")) {
        EXPECT_EQ((*tokenizer)->encode(text, {.addSpecial = false}), c["plain"].get<std::vector<int>>()) << entry["name"] << " \"" << text << '"';
      }
    }
  }
}

TEST(TokenizerKinds, SentencePieceModels) {
  for (const char* kind : {"bpe", "unigram"}) {
    ts::files::Folder folder;
    fs::copy_file(kData / (std::string(kind) + ".model"), folder / "tokenizer.model");
    std::ofstream(folder / "added_tokens.json") << R"({"<|more|>": 700})";
    const auto tokenizer = ts::tokenizerOfFolder(folder.path());
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    for (const json& c : golden()["sentencepiece"][kind]["cases"]) {
      const auto text = c["text"].get<std::string>();
      EXPECT_EQ((*tokenizer)->encode(text, {.addSpecial = false, .parseSpecial = false}), c["ids"].get<std::vector<int>>()) << kind << " \"" << text << '"';
    }
    EXPECT_TRUE((*tokenizer)->addsBos());
    const auto ids = (*tokenizer)->encode("Hello<|more|>");
    EXPECT_EQ(ids.front(), (*tokenizer)->bos());
    EXPECT_EQ(ids.back(), 700);
    EXPECT_EQ((*tokenizer)->decode(std::span(ids).first(ids.size() - 1), true), "Hello");
  }
}

TEST(TokenizerKinds, NoTokenizerIsNoError) {
  ts::files::Folder folder;
  const auto none = ts::tokenizerOfFolder(folder.path());
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
}

std::string errorOf(const std::string& text) {
  const auto tokenizer = ts::tokenizerOfJson(text, "", "tokenizer.json");
  return tokenizer ? "none" : tokenizer.error().message + " | " + tokenizer.error().where;
}

TEST(TokenizerKinds, BrokenFilesAreAnswered) {
  EXPECT_NE(errorOf("{\"model\": ").find("@"), std::string::npos);
  EXPECT_NE(errorOf("[]").find("\"model\""), std::string::npos);
  EXPECT_NE(errorOf(R"({"model": {"type": "WordPiece"}})").find("\"WordPiece\" is not supported; supported: BPE, Unigram"), std::string::npos);
  EXPECT_NE(errorOf(R"({"model": {"type": "BPE", "vocab": {"a": 900000000}, "merges": []}})").find("900000000"), std::string::npos);
  EXPECT_NE(errorOf(R"({"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}})").find("whole number"), std::string::npos);
  EXPECT_NE(errorOf(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}})").find("merge 0"), std::string::npos);
  EXPECT_NE(errorOf(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [7]}})").find("merge 0"), std::string::npos);
  EXPECT_NE(errorOf(R"({"model": {"type": "Unigram", "vocab": [["a"]]}})").find("entry 0"), std::string::npos);
  EXPECT_NE(errorOf(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a"}}})").find("offset"), std::string::npos);
  EXPECT_NE(errorOf(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, "normalizer": {"type": "BertNormalizer"}})").find("NFC"), std::string::npos);
  EXPECT_NE(errorOf(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, "added_tokens": [{"content": "x"}]})").find("\"x\""), std::string::npos);
}

TEST(TokenizerKinds, HostileTextIsEncoded) {
  const auto tokenizer = ts::tokenizerOfJson(golden()["tokenizers"][0]["json"].dump(), "", "small.json");
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ((*tokenizer)->encode("\xff\xfe a"), (*tokenizer)->encode("\xEF\xBF\xBD\xEF\xBF\xBD a"));
  std::string text(1 << 20, 'a');  // one word of a million characters: merging is not quadratic
  EXPECT_EQ((*tokenizer)->decode((*tokenizer)->encode(text)), text);
  text.assign(1 << 20, ' ');
  EXPECT_EQ((*tokenizer)->decode((*tokenizer)->encode(text)), text);
  EXPECT_EQ((*tokenizer)->decode(std::vector<int>{-1, 1 << 30}), "");
}

TEST(Utf8Stream, HoldsBackUnfinishedCharacters) {
  ts::Utf8Stream stream;
  const std::string text = "a\xC3\xA9\xE6\x9D\xB1\xF0\x9F\x9A\x80";
  std::string out;
  for (const char c : text) {
    const std::string part = stream.push(std::string_view(&c, 1));
    out += part;
  }
  EXPECT_EQ(out, text);
  EXPECT_EQ(stream.finish(), "");
  EXPECT_EQ(stream.push("\xF0\x9F"), "");
  EXPECT_EQ(stream.push("x"), "\xEF\xBF\xBDx");
  EXPECT_EQ(stream.push("\x80\xC3"), "\xEF\xBF\xBD");
  EXPECT_EQ(stream.finish(), "\xEF\xBF\xBD");
}

}  // namespace
