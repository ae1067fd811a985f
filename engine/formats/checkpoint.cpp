// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/checkpoint.h"

#include <algorithm>

#include "engine/formats/byte_reader.h"
#include "engine/formats/export_metadata.h"
#include "engine/formats/fingerprint.h"
#include "engine/formats/gguf_model.h"
#include "engine/formats/gguf_types.h"
#include "engine/formats/huggingface.h"
#include "engine/formats/tokenizer_json.h"
#include "engine/formats/tokenizer_load.h"

namespace ts {
namespace {

namespace fs = std::filesystem;

std::string dominantType(const std::map<std::string, Tensor, std::less<>>& tensors) {
  std::map<TensorType, std::int64_t> values;
  for (const auto& [name, tensor] : tensors) values[tensor.type] += tensor.rows * tensor.cols;
  const auto most = std::max_element(values.begin(), values.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == values.end() ? "" : std::string(info(most->first).name);
}

void noteUnused(const std::vector<std::string>& unused, Checkpoint& out) {
  if (unused.empty()) return;
  std::string text = std::to_string(unused.size()) + ": ";
  for (const std::string& name : unused) text += name + " ";
  out.metadata["tensors not used"] = shortText(text, 200);
}

std::string textOf(const GgufValue& value) {
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* text = std::get_if<std::string>(&value)) return shortText(*text, 200);
  if (const auto* real = std::get_if<double>(&value)) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.9g", *real);
    return digits;
  }
  const auto& items = std::get<std::shared_ptr<const GgufArray>>(value)->items;
  return std::visit([](const auto& list) { return "[" + std::to_string(list.size()) + " values]"; }, items);
}

/// The tokenizer of a file that export.h wrote is whole in it; others have GGUF's own form.
Result<std::shared_ptr<const Tokenizer>> tokenizerIn(const GgufFile& file) {
  const auto json = file.get<std::string>(kTokenizerJsonKey);
  if (!json) return tokenizerOfGguf(file);
  return tokenizerOfJson(*json, file.get<std::string>(kTokenizerConfigKey).value_or(""), file.path.string() + ", " + std::string(kTokenizerJsonKey));
}

Result<Checkpoint> openGguf(const fs::path& path, std::stop_token stop) {
  TS_TRY(const GgufFile file, readGguf(path));
  Checkpoint out;
  out.path = path;
  out.container = "GGUF v" + std::to_string(file.version);
  if (file.get<std::string>("general.architecture").value_or("").starts_with(kOwnArchitecture)) out.container += ", with Tradespace's extensions";
  out.fileBytes = file.fileBytes;
  TS_TRY(out.config, ggufConfig(file));
  std::vector<std::string> unused;
  TS_TRY(out.tensors, ggufTensors(file, out.config, unused));
  for (const auto& [key, value] : file.metadata) out.metadata[shortText(key, 100)] = textOf(value);
  noteUnused(unused, out);
  out.weightFormat = dominantType(out.tensors);
  out.stopIds = ggufStopIds(file);
  out.chatTemplate = file.get<std::string>("tokenizer.chat_template").value_or("");
  TS_TRY(out.tokenizer, tokenizerIn(file));
  Fingerprint fingerprint(out.config, stop);
  for (const GgufTensor& entry : file.tensors) fingerprint.add(entry.name, entry.tensor);
  TS_TRY(out.fingerprint, fingerprint.hex());
  return out;
}

Result<Checkpoint> openHuggingFace(const fs::path& folder, std::stop_token stop) {
  TS_TRY(const JsonFields file, readJsonObject(folder / "config.json"));
  Checkpoint out;
  out.path = folder;
  out.container = "Hugging Face (safetensors)";
  TS_TRY(out.config, huggingFaceConfig(file));
  std::error_code ignored;
  const fs::path whole = fs::weakly_canonical(folder, ignored);
  out.config.name = shortText((whole.empty() ? folder : whole).filename().string(), 200);
  TS_TRY(const SafeTensorsFolder weights, readSafeTensorsFolder(folder));
  out.fileBytes = weights.fileBytes;
  std::vector<std::string> unused;
  TS_TRY(out.tensors, huggingFaceTensors(weights, out.config, folder.string(), unused));
  for (const auto& [key, value] : file.object().items())
    if (!value.is_null()) {
      const bool text = value.is_string();
      out.metadata[shortText(key, 100)] = shortText(text ? value.get<std::string>() : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), 200);
    }
  noteUnused(unused, out);
  out.weightFormat = dominantType(out.tensors);
  TS_TRY(out.stopIds, huggingFaceStopIds(folder, file));
  TS_TRY(out.chatTemplate, huggingFaceChatTemplate(folder));
  TS_TRY(out.tokenizer, tokenizerOfFolder(folder));
  Fingerprint fingerprint(out.config, stop);
  for (const auto& [name, tensor] : weights.tensors)
    if (tensor.readable) fingerprint.add(name, tensor.tensor);
  TS_TRY(out.fingerprint, fingerprint.hex());
  return out;
}

}  // namespace

std::uint64_t Checkpoint::parameterCount() const {
  std::uint64_t sum = 0;
  for (const auto& [name, tensor] : tensors) sum += static_cast<std::uint64_t>(tensor.rows) * static_cast<std::uint64_t>(tensor.cols);
  return sum;
}

Result<Checkpoint> openCheckpoint(const fs::path& path, std::stop_token stop) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) return fail(ErrorKind::Io, "no such file or folder" + (error && error != std::errc::no_such_file_or_directory ? ": " + error.message() : ""), path.string());
  if (fs::is_directory(status)) {
    if (fs::exists(path / "config.json", error)) return openHuggingFace(path, stop);
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(path, error))
      if (entry.path().extension() == ".gguf") found.push_back(entry.path());
    if (found.size() == 1) return openGguf(found.front(), stop);
    return fail(found.empty() ? "expected a folder with config.json (Hugging Face) or a GGUF file" : "expected one GGUF file in the folder, found " + std::to_string(found.size()) + ": name one",
                path.string());
  }
  if (path.extension() == ".safetensors" || path.extension() == ".json") {
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    if (!fs::exists(folder / "config.json", error)) return fail("expected config.json beside the file: it says what the tensors mean", path.string());
    return openHuggingFace(folder, stop);
  }
  return openGguf(path, stop);
}

}  // namespace ts
