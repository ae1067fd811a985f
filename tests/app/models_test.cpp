// SPDX-License-Identifier: GPL-3.0-or-later
// Verbs that only look: info, tokenize, strategies; and what they say to files that are not what they must be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/cli.h"

namespace ts::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;

const fs::path kModels = fs::path(TS_SOURCE_DIR) / "resources/models";

TEST(Info, TellsWhatTheEmbeddedModelIs) {
  const Json info = cliJson({"info", kModel});
  ASSERT_EQ(missingKeys(info, {"architecture", "parameters", "layers", "vocabulary", "context_length", "format", "file_bytes", "fingerprint"}), "");
  EXPECT_EQ(info["architecture"], "llama");
  EXPECT_EQ(info["parameters"], 15'735'168);
  EXPECT_EQ(info["layers"], 8);
  EXPECT_EQ(info["vocabulary"], 8192);
  EXPECT_EQ(info["context_length"], 1024);
  EXPECT_GT(info["file_bytes"], 2 * 15'735'168);
}

TEST(Info, AFolderAndAFileInItAreTheSameModel) {
  const Json folder = cliJson({"info", kModels / "ts-2m-draft"}), file = cliJson({"info", kModels / "ts-2m-draft/model.safetensors"});
  EXPECT_EQ(folder["fingerprint"], file["fingerprint"]);
}

TEST(Info, IsReadableWithoutJson) {
  const Outcome outcome = cli({"info", kModel});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("15,735,168"), HasSubstr("byte-level BPE")));
}

TEST(Tokenize, GivesTheIdsOfAnIndependentImplementation) {
  const Json reference = Json::parse(readFile(kModels / "ts-16m/reference.json"));
  for (const Json& sample : reference["tokenizer"]) {
    const Json got = cliJson({"tokenize", kModel, "--text", sample["text"]});
    EXPECT_EQ(got["ids"], sample["ids"]) << sample["text"];
  }
}

TEST(Tokenize, ReadsAFile) {
  Folder folder;
  writeFile(folder / "text", "The quick brown fox jumps over the lazy dog.");
  EXPECT_EQ(cliJson({"tokenize", kModel, "--file", folder / "text"})["ids"].size(), 15u);
  EXPECT_THAT(cliError({"tokenize", kModel, "--file", folder / "none"}), HasSubstr("none"));
}

TEST(Strategies, ListsTheRegistryWithAllThatAFormNeeds) {
  const Json strategies = cliJson({"strategies"})["strategies"];
  ASSERT_TRUE(strategies.is_array());
  std::vector<std::string> ids;
  for (const Json& s : strategies) {
    EXPECT_EQ(missingKeys(s, {"id", "family", "title", "help", "paper", "parameters", "needs", "offers"}), "") << s;
    for (const Json& p : s["parameters"]) EXPECT_EQ(missingKeys(p, {"name", "type", "unit", "default", "minimum", "maximum", "scale", "help"}), "") << s["id"];
    ids.push_back(s["family"].get<std::string>() + "/" + s["id"].get<std::string>());
  }
  for (const char* expected : {"weights/q8", "weights/q4", "weights/gptq", "weights/flap", "weights/lord", "kv/f16", "kv/q8", "kv/q4", "kv/window", "kv/h2o",
                               "decode/greedy", "decode/speculative", "drafter/model", "drafter/ngram", "sample/temperature", "sample/top-k", "sample/top-p",
                               "sample/min-p", "sample/top-h", "sample/repetition-penalty"})
    EXPECT_THAT(ids, testing::Contains(expected));
}

TEST(Strategies, MakesThePageOfDocumentation) {
  const Outcome page = cli({"strategies", "--markdown"});
  EXPECT_EQ(page.status, 0);
  EXPECT_THAT(page.out, AllOf(HasSubstr("# Strategies"), HasSubstr("### `h2o`"), HasSubstr("| parameter |")));
  EXPECT_EQ(readFile(fs::path(TS_SOURCE_DIR) / "docs/strategies.md"), page.out) << "docs/strategies.md is behind: tradespace-cli strategies --markdown > docs/strategies.md";
}

/// A copy of the small embedded model, to be broken.
struct BrokenModel : testing::Test {
  BrokenModel() { fs::copy(kModels / "ts-2m-draft", folder.path() / "model"); }
  std::string error() { return cliError({"info", folder / "model"}); }
  void replaceInConfig(const std::string& from, const std::string& to) {
    std::string text = readFile(config());
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    writeFile(config(), text.replace(at, from.size(), to));
  }
  fs::path config() const { return folder.path() / "model/config.json"; }
  fs::path weights() const { return folder.path() / "model/model.safetensors"; }
  Folder folder;
};

TEST_F(BrokenModel, ATruncatedSafetensorsFileIsNamed) {
  fs::resize_file(weights(), fs::file_size(weights()) / 2);
  EXPECT_THAT(error(), AllOf(HasSubstr("model.safetensors"), HasSubstr("expected")));
}

TEST_F(BrokenModel, ASafetensorsHeaderLongerThanTheFileIsRefused) {
  std::string bytes = readFile(weights());
  bytes.replace(0, 8, std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8));
  writeFile(weights(), bytes);
  EXPECT_THAT(error(), HasSubstr("model.safetensors"));
}

TEST_F(BrokenModel, ASafetensorsHeaderThatIsNotJsonIsRefused) {
  std::string bytes = readFile(weights());
  bytes[8] = 'x';
  writeFile(weights(), bytes);
  EXPECT_THAT(error(), HasSubstr("model.safetensors"));
}

TEST_F(BrokenModel, AnUnknownArchitectureIsNamedWithTheKnownOnes) {
  replaceInConfig("LlamaForCausalLM", "PerceiverForCausalLM");
  replaceInConfig("\"model_type\": \"llama\"", "\"model_type\": \"perceiver\"");
  EXPECT_THAT(error(), AllOf(HasSubstr("erceiver"), AnyOf(HasSubstr("llama"), HasSubstr("Llama"))));
}

TEST_F(BrokenModel, ShapesThatDoNotFitAreNamed) {
  replaceInConfig("\"hidden_size\": ", "\"hidden_size\": 1");
  EXPECT_THAT(cliError({"generate", folder / "model", "--prompt", "a", "--tokens", "1"}), AllOf(HasSubstr("embedding.weight"), HasSubstr("1128")));
}

TEST_F(BrokenModel, ImpossibleNumbersAreRefused) {
  replaceInConfig("\"num_attention_heads\": ", "\"num_attention_heads\": -");
  EXPECT_THAT(error(), HasSubstr("config.json"));
}

TEST_F(BrokenModel, ATokenizerThatCannotBeReadIsNamed) {
  writeFile(folder.path() / "model/tokenizer.json", "{\"model\": {\"type\": \"Clairvoyant\"}}");
  EXPECT_THAT(error(), AllOf(HasSubstr("tokenizer.json"), HasSubstr("Clairvoyant")));
}

TEST_F(BrokenModel, AnEmptyFolderIsSaid) {
  fs::remove_all(folder.path() / "model");
  fs::create_directory(folder.path() / "model");
  EXPECT_THAT(error(), HasSubstr("config.json"));
}

struct BrokenGguf : testing::Test {
  void SetUp() override {
    ASSERT_EQ(cli({"compress", kDraft, "--out", file}).status, 0);
    bytes = readFile(file);
    ASSERT_GT(bytes.size(), 1000u);
  }
  std::string error() {
    writeFile(file, bytes);
    return cliError({"info", file}, 1, {.memoryBytes = std::int64_t{8} << 30});
  }
  Folder folder;
  std::string file = folder / "model.gguf", bytes;
};

TEST_F(BrokenGguf, TruncatedAnywhereItNamesTheFile) {
  const std::string whole = bytes;
  for (const std::size_t size : {std::size_t{0}, std::size_t{3}, std::size_t{20}, std::size_t{500}, whole.size() / 2, whole.size() - 1}) {
    bytes = whole.substr(0, size);
    EXPECT_THAT(error(), HasSubstr("model.gguf")) << size;
  }
}

TEST_F(BrokenGguf, HugeCountsAllocateNothing) {
  bytes.replace(8, 8, std::string("\xff\xff\xff\xff\xff\xff\xff\x0f", 8));
  EXPECT_THAT(error(), HasSubstr("model.gguf"));
}

TEST_F(BrokenGguf, AnotherVersionIsSaid) {
  bytes[4] = 99;
  EXPECT_THAT(error(), AllOf(HasSubstr("99"), HasSubstr("expected")));
}

TEST_F(BrokenGguf, AnUnknownArchitectureIsNamed) {
  const auto at = bytes.find("general.architecture");
  ASSERT_NE(at, std::string::npos);
  bytes.replace(bytes.find("llama", at), 5, "llamo");
  EXPECT_THAT(error(), HasSubstr("llamo"));
}

}  // namespace
}  // namespace ts::test
