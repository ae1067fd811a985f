// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cassert>
#include <memory>
#include <type_traits>
#include <utility>

namespace ts {

/// A function object that somebody else keeps: two words, nothing allocated, valid as long as what it was made of. May be none.
/// (std::function_ref of C++26, with an empty state.)
template <class Signature>
class FunctionRef;

template <class Result, class... Arguments>
class FunctionRef<Result(Arguments...)> {
 public:
  FunctionRef() = default;
  template <class Function>
    requires(std::is_class_v<std::remove_cvref_t<Function>> && !std::is_same_v<std::remove_cvref_t<Function>, FunctionRef> && std::is_invocable_r_v<Result, Function&, Arguments...>)
  FunctionRef(Function&& function)  // NOLINT: a reference to what is called, as a parameter
      : of_(const_cast<void*>(static_cast<const void*>(std::addressof(function)))),
        call_([](void* of, Arguments... arguments) -> Result { return (*static_cast<std::remove_reference_t<Function>*>(of))(std::forward<Arguments>(arguments)...); }) {}

  /// Of a function object that is gone after the statement.
  template <class Function>
    requires(!std::is_lvalue_reference_v<Function> && !std::is_same_v<std::remove_cvref_t<Function>, FunctionRef>)
  FunctionRef& operator=(Function&&) = delete;

  explicit operator bool() const { return call_ != nullptr; }
  Result operator()(Arguments... arguments) const {
    assert(call_ && "a function that is none was called");
    return call_(of_, std::forward<Arguments>(arguments)...);
  }

 private:
  void* of_ = nullptr;
  Result (*call_)(void*, Arguments...) = nullptr;
};

}  // namespace ts
