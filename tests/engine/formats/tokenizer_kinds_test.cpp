// SPDX-License-Identifier: GPL-3.0-or-later
// Small tokenizers of every kind, with ids by the tokenizers and sentencepiece packages, and what broken ones are answered.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/formats/tokenizer_json.h"
#include "engine/formats/tokenizer_load.h"
#include "engine/formats/tokenizer_normalize.h"
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
  EXPECT_NE(errorOf(R"({"model": {"type": "Unigram", "vocab": [["a", 1e999]]}})").find("ordinary numbers"), std::string::npos);
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

// What is split and matched is UTF-8 whatever the file says: an added token of half a character is never found.
TEST(TokenizerKinds, BrokenBytesInAFileDoNotCutCharacters) {
  ts::GgufFile file;
  const auto array = [](auto items) { return std::make_shared<const ts::GgufArray>(ts::GgufArray{std::move(items)}); };
  file.metadata["tokenizer.ggml.model"] = std::string("gpt2");
  file.metadata["tokenizer.ggml.pre"] = std::string("gpt-2");
  // "\u00C3" and "\u00A9" are how byte-level BPE spells the two bytes of "\u00E9".
  file.metadata["tokenizer.ggml.tokens"] = array(std::vector<std::string>{"a", "\xC3\x83", "\xC2\xA9", "\xC3", "\xA9", "<x>"});
  file.metadata["tokenizer.ggml.token_type"] = array(std::vector<std::int64_t>{1, 1, 1, 4, 3, 4});
  file.metadata["tokenizer.ggml.merges"] = array(std::vector<std::string>{});
  const auto tokenizer = ts::tokenizerOfGguf(file);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  EXPECT_EQ((*tokenizer)->encode("a\xC3\xA9<x>a"), (std::vector<int>{0, 1, 2, 5, 0}));
}

TEST(TokenizerKinds, ABrokenCharsmapStillGivesUtf8) {
  // A Darts array that replaces the byte C3 by the byte C3: half a character.
  std::vector<std::uint32_t> units(512, 0);
  units[0] = 1u << 10;                             // children from 1
  const std::uint32_t node = 1 ^ 0xC3;
  units[node] = 0xC3u | 1u << 8 | (node ^ 300u) << 10;  // has a value, at 300
  units[300] = 1u << 31;                           // text 0
  const auto size = static_cast<std::uint32_t>(units.size() * 4);
  std::string blob(reinterpret_cast<const char*>(&size), 4);
  blob.append(reinterpret_cast<const char*>(units.data()), size);
  blob.append("\xC3\0", 2);
  const auto map = ts::precompiledCharsmap(blob, "blob");
  ASSERT_TRUE(map) << map.error().message;
  EXPECT_EQ((*map)("x"), "x");
  EXPECT_EQ((*map)("\xC3\xA9"), "\xC3\xA9");
  EXPECT_EQ((*map)("\xC3\xA9 \xC3"), "\xC3\xA9 \xEF\xBF\xBD");
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
