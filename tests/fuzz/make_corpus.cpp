// SPDX-License-Identifier: GPL-3.0-or-later
// make_corpus FOLDER: valid small files of each format, for a fuzzer to start from.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/engine/formats/files.h"

int main(int count, char** arguments) {
  namespace fs = std::filesystem;
  if (count != 2) {
    std::fputs("usage: make_corpus FOLDER\n", stderr);
    return 2;
  }
  const fs::path out = arguments[1];
  const auto write = [](const fs::path& path, const std::string& bytes) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
  };
  write(out / "gguf/small", ts::files::smallGguf());
  write(out / "gguf/model", ts::files::modelGguf());
  write(out / "safetensors/small", ts::files::smallSafeTensors());
  using Json = nlohmann::json;
  const Json tokenizers = Json::parse(std::ifstream(TS_SOURCE_DIR "/tests/data/tokenizers/small.json"));
  for (const Json& t : tokenizers["tokenizers"]) write(out / "tokenizer" / t["name"].get<std::string>(), "t" + t["json"].dump());
  for (const Json& t : Json::parse(std::ifstream(TS_SOURCE_DIR "/tests/data/chat_templates.json"))) {
    std::string name = t["name"];
    std::replace(name.begin(), name.end(), '/', '-');
    write(out / "tokenizer" / name, "c" + t["template"].get<std::string>());
  }
  for (const auto& entry : fs::directory_iterator(TS_SOURCE_DIR "/tests/data/families")) {
    fs::create_directories(out / "config");
    fs::copy_file(entry.path() / "config.json", out / "config" / entry.path().filename(), fs::copy_options::overwrite_existing);
  }
}
