// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

extern char** environ;

namespace ts {
namespace {

constexpr int kLookMs = 50;

}  // namespace

Result<ChildResult> runChild(const std::filesystem::path& program, const std::vector<std::string>& arguments, const std::stop_token& stop) {
  std::vector<std::string> texts{program.filename().string()};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& text : texts) argv.push_back(text.data());
  argv.push_back(nullptr);

  int channel[2];
  if (::pipe2(channel, O_CLOEXEC) != 0) return fail(ErrorKind::Io, "no pipe for another process: " + std::generic_category().message(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, channel[1], STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);  // ours keeps signals for one thread
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t child = -1;
  const int error = posix_spawn(&child, program.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  ::close(channel[1]);
  if (error != 0) {
    ::close(channel[0]);
    return fail(ErrorKind::Io, "the process could not be started: " + std::generic_category().message(error), program.string());
  }

  ChildResult result;
  bool told = false;
  for (pollfd ready{channel[0], POLLIN, 0};;) {
    if (stop.stop_requested() && !std::exchange(told, true)) ::kill(child, SIGKILL);
    if (::poll(&ready, 1, kLookMs) <= 0) continue;
    std::array<char, 4096> block;
    const ssize_t n = ::read(channel[0], block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    result.output.append(block.data(), static_cast<std::size_t>(n));
  }
  ::close(channel[0]);
  int status = 0;
  rusage usage{};
  while (::wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  if (told) return fail(ErrorKind::Cancelled, "stopped while another process worked");
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.peakBytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  return result;
}

}  // namespace ts
