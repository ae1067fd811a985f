// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/data.h"
#include "engine/formats/json_fields.h"

#include <lzma.h>
#include <xxhash.h>

#include <cstdio>
#include <fstream>

namespace ts {

namespace {

constexpr std::uint64_t kMostBytes = 1u << 30;

std::string fingerprintOf(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text;
}

Result<std::string> unpackXz(const std::string& packed, const std::string& where) {
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, 256u << 20, LZMA_CONCATENATED) != LZMA_OK) return fail(ErrorKind::OutOfMemory, "no memory to unpack", where);
  stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  stream.avail_in = packed.size();
  std::string out;
  lzma_ret state = LZMA_OK;
  while (state == LZMA_OK && out.size() <= kMostBytes) {
    const std::size_t done = out.size();
    out.resize(done + (1u << 20));
    stream.next_out = reinterpret_cast<std::uint8_t*>(out.data() + done);
    stream.avail_out = out.size() - done;
    state = lzma_code(&stream, LZMA_FINISH);
    out.resize(out.size() - stream.avail_out);
  }
  const auto read = stream.total_in;
  lzma_end(&stream);
  if (out.size() > kMostBytes) return fail("the file unpacks to more than 1 GiB", where);
  if (state != LZMA_STREAM_END) return fail("the file is not a whole xz archive", where + " @ " + std::to_string(read));
  return out;
}

}  // namespace

Result<TaskData> readTaskData(const std::filesystem::path& path) {
  const std::string where = path.string();
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return fail(ErrorKind::Io, "cannot read the evaluation data: " + error.message(), where);
  if (size > kMostBytes) return fail("evaluation data of more than 1 GiB are not taken", where);
  TaskData data;
  data.where = where;
  data.bytes.resize(static_cast<std::size_t>(size));
  std::ifstream in(path, std::ios::binary);
  if (!in.read(data.bytes.data(), static_cast<std::streamsize>(size)) && size > 0) return fail(ErrorKind::Io, "cannot read the evaluation data", where);
  if (path.extension() == ".xz") {
    TS_TRY(data.bytes, unpackXz(data.bytes, where));
  }
  data.fingerprint = fingerprintOf(data.bytes);
  return data;
}

Result<void> eachJsonLine(const TaskData& data, std::int64_t limit,
                          const std::function<Result<void>(std::int64_t, const nlohmann::json&)>& line) {
  std::int64_t number = 0, read = 0;
  for (std::size_t at = 0; at < data.bytes.size() && (limit <= 0 || read < limit); ++number) {
    const std::size_t end = std::min(data.bytes.find('\n', at), data.bytes.size());
    const std::string_view text = std::string_view(data.bytes).substr(at, end - at);
    at = end + 1;
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = data.where + " line " + std::to_string(number + 1);
    TS_CHECK(checkJsonDepth(text, where));
    const nlohmann::json object = nlohmann::json::parse(text, nullptr, false);
    if (!object.is_object()) return fail("the line is not a JSON object", where);
    auto done = line(read, object);
    if (!done) {
      Error problem = std::move(done).error();
      if (problem.where.empty()) problem.where = where;
      return tl::unexpected(std::move(problem));
    }
    ++read;
  }
  return {};
}

}  // namespace ts
