// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/store/csv.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <set>
#include <sstream>
#include <system_error>

#include "experiments/store/metrics.h"
#include "experiments/store/store_impl.h"

namespace ts {

std::string csvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string csvNumber(double value) {
  if (!std::isfinite(value)) return {};
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

void writeCsv(std::ostream& out, const std::vector<RunRecord>& runs) {
  std::set<std::string> settings, metrics, engaged;
  for (const RunRecord& run : runs) {
    for (const auto& [name, value] : run.settings) settings.insert(name);
    for (const auto& [name, value] : run.metrics) metrics.insert(name);
    for (const auto& [name, value] : run.engaged) engaged.insert(name);
  }
  std::vector<std::string> row = {
      "run", "sweep", "state", "model", "model fingerprint", "plan", "task", "data fingerprint", "seed"};
  row.insert(row.end(), settings.begin(), settings.end());
  for (const std::string& name : metrics) {
    const std::string unit = unitOf(name);
    row.push_back(unit.empty() ? name : name + " [" + unit + "]");
    row.push_back(name + " stderr" + (unit.empty() ? "" : " [" + unit + "]"));
    row.push_back(name + " n");
  }
  for (const std::string& name : engaged) row.push_back("engaged " + name);
  for (const char* name :
       {"noisy", "failure kind", "message", "note", "started [UTC]", "finished [UTC]", "engine version", "host", "cpu",
        "isa", "cores", "memory [bytes]", "kernel", "command line", "key"})
    row.push_back(name);

  const auto flush = [&] {
    for (std::size_t i = 0; i < row.size(); ++i) out << (i ? "," : "") << csvField(row[i]);
    out << "\r\n";
    row.clear();
  };
  flush();
  for (const RunRecord& run : runs) {
    row = {std::to_string(run.id),
           run.sweep ? std::to_string(run.sweep) : "",
           std::string(name(run.state)),
           run.model.name,
           run.model.fingerprint,
           run.plan,
           run.task,
           run.dataFingerprint,
           std::to_string(run.seed)};
    for (const std::string& name : settings) {
      const auto it = run.settings.find(name);
      row.push_back(it == run.settings.end() ? "" : it->second);
    }
    for (const std::string& name : metrics) {
      const auto it = run.metrics.find(name);
      const bool has = it != run.metrics.end();
      row.push_back(has ? csvNumber(it->second.value) : "");
      row.push_back(has && it->second.stderr_ ? csvNumber(*it->second.stderr_) : "");
      row.push_back(has && it->second.n ? std::to_string(*it->second.n) : "");
    }
    for (const std::string& name : engaged) {
      const auto it = run.engaged.find(name);
      row.push_back(it == run.engaged.end() ? "" : csvNumber(it->second));
    }
    for (const std::string& text :
         {std::string(run.noisy ? "1" : "0"), run.failureKind, run.message, run.note, run.started, run.finished,
          run.engineVersion, run.host.name, run.host.cpu, run.host.isa, std::to_string(run.host.cores),
          std::to_string(run.host.memoryBytes), run.host.kernel, run.commandLine, run.key})
      row.push_back(text);
    flush();
  }
}

Result<void> replaceFile(const std::filesystem::path& path, const std::string& text) {
  const std::string part = path.string() + ".part" + std::to_string(getpid());
  const auto failed = [&](const char* doing, int code) {
    unlink(part.c_str());
    return fail(ErrorKind::Io,
                std::string(doing) + " failed: " + std::generic_category().message(code) + "; nothing was changed",
                path.string());
  };
  const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return failed("creating the file", errno);
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(file, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int code = n < 0 ? errno : ENOSPC;
      ::close(file);
      return failed("writing the file", code);
    }
    done += static_cast<std::size_t>(n);
  }
  const int synced = ::fsync(file) == 0 || errno == EINVAL ? 0 : errno;
  if (::close(file) != 0 || synced) return failed("writing the file", synced ? synced : errno);
  if (::rename(part.c_str(), path.c_str()) != 0) return failed("putting the file in its place", errno);
  return {};
}

Result<std::int64_t> Store::exportCsv(const std::filesystem::path& path) const {
  TS_TRY(const std::vector<RunRecord> all, runs());
  std::ostringstream out;
  writeCsv(out, all);
  TS_CHECK(replaceFile(path, out.str()));
  return static_cast<std::int64_t>(all.size());
}

}  // namespace ts
