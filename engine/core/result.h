// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace ts {

/// What kind of failure it was; decides the exit status, the run's state in the store and the icon in the desktop.
enum class ErrorKind {
  InvalidInput,  ///< a file, a flag or a value is not what it must be
  Refused,       ///< a combination that cannot hold, said before the run
  Unsupported,   ///< valid, but nothing here can do it
  OutOfMemory,
  Io,         ///< reading or writing failed (disk full, permission)
  Cancelled,  ///< the user asked to stop
  Internal,
};

/// A failure a user can act on: what was expected, where, and what to do. `where` is a file, `file @ byte offset`,
/// a flag, or a strategy.
struct Error {
  ErrorKind kind = ErrorKind::InvalidInput;
  std::string message;
  std::string where;
};

/// Errors from input are values; bugs are assertions.
template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorKind kind, std::string message, std::string where = {}) {
  return tl::unexpected<Error>(Error{kind, std::move(message), std::move(where)});
}
inline tl::unexpected<Error> fail(std::string message, std::string where = {}) {
  return fail(ErrorKind::InvalidInput, std::move(message), std::move(where));
}

std::string_view name(ErrorKind kind);

}  // namespace ts

#define TS_CONCAT_(a, b) a##b
#define TS_CONCAT(a, b) TS_CONCAT_(a, b)

/// TS_TRY(auto x, expression): x is the value, or the enclosing function returns the error.
#define TS_TRY(declaration, ...)                                                                              \
  auto TS_CONCAT(result_, __LINE__) = (__VA_ARGS__);                                                          \
  if (!TS_CONCAT(result_, __LINE__)) return tl::unexpected(std::move(TS_CONCAT(result_, __LINE__)).error()); \
  declaration = *std::move(TS_CONCAT(result_, __LINE__))

/// TS_CHECK(expression): returns the error of a Result<void>, if it is one.
#define TS_CHECK(...) \
  if (auto check_ = (__VA_ARGS__); !check_) return tl::unexpected(std::move(check_).error())
