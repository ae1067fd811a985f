// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "engine/registry/value.h"

namespace ts {

class WeightTransform;
class KvCodec;
class KvPolicy;
class LogitFilter;
class Drafter;
class Decoder;
class Search;

/// The rooms a strategy can live in; the word is the same in the command line flag, the forms and the store.
enum class Family { Weights, KeyValue, Decoding, Drafter, Sampling, Search };
std::string_view name(Family family);  ///< "weights", "kv", "decode", "drafter", "sample", "search"

enum class ParameterType {
  Boolean,
  Integer,
  Real,
  Choice,    ///< one of `choices`
  Text,      ///< free text, e.g. a path
  Strategy,  ///< the id of another strategy of family `family`; that strategy's parameters are accepted beside it
};
enum class Scale { Linear, Logarithmic };  ///< how a sweep or a slider steps through the range

struct Parameter {
  std::string name;
  ParameterType type = ParameterType::Integer;
  Value fallback;                   ///< the default
  std::string help;                 ///< one line
  std::string unit = {};            ///< "bits", "tokens", "fraction" ...
  std::optional<double> minimum = {};
  std::optional<double> maximum = {};
  std::vector<std::string> choices = {};
  Scale scale = Scale::Linear;
  Family family = Family::Drafter;  ///< for ParameterType::Strategy
  bool namesModel = false;          ///< the text is a model: what is in it belongs to a run's identity
};

/// What one strategy is: everything the forms, the command line, the sweep file and the documentation page are made of.
struct Descriptor {
  std::string id;     ///< "awq"; unique within its family
  Family family;
  std::string title;  ///< "AWQ: activation-aware weight quantization"
  std::string help;   ///< one line
  std::string paper = {};  ///< citation or arXiv id; empty when it is common practice
  std::vector<Parameter> parameters = {};
  std::vector<std::string> needs = {};   ///< capabilities the model or another strategy must offer (capability.h)
  std::vector<std::string> offers = {};
  std::vector<std::string> claims = {};  ///< exclusive slots, e.g. "kv.codec": two strategies with one claim are refused
};

template <class T>
using Make = std::function<Result<std::unique_ptr<T>>(const Settings&)>;
using Factory = std::variant<Make<WeightTransform>, Make<KvCodec>, Make<KvPolicy>, Make<LogitFilter>, Make<Drafter>,
                             Make<Decoder>, Make<Search>>;

struct Strategy {
  Descriptor descriptor;
  Factory factory;
};

/// The one list of strategies. Filled by `Registration` objects before main(), read-only afterwards.
class Registry {
 public:
  std::span<const Strategy> all() const { return strategies_; }
  std::vector<const Strategy*> ofFamily(Family family) const;  ///< by title
  const Strategy* find(Family family, std::string_view id) const;

  /// Fills in defaults and checks names, types, ranges and choices; the error names the parameter and what it accepts.
  Result<Settings> resolve(Family family, const StrategySpec& spec) const;

  /// The parameters `spec` may set: its descriptor's own and those of the strategies it names (a drafter's).
  std::vector<const Parameter*> parametersOf(Family family, const StrategySpec& spec) const;

  /// Resolves and makes the strategy, which must be a T: `make<KvPolicy>(Family::KeyValue, spec)`.
  template <class T>
  Result<std::unique_ptr<T>> make(Family family, const StrategySpec& spec) const;

  void add(Strategy strategy);

 private:
  std::vector<Strategy> strategies_;
};

const Registry& registry();

/// A file-scope object in each strategy's file: the one registration.
struct Registration {
  Registration(Descriptor descriptor, Factory factory);
};

template <class T>
Result<std::unique_ptr<T>> Registry::make(Family family, const StrategySpec& spec) const {
  TS_TRY(const Settings settings, resolve(family, spec));
  const Strategy* strategy = find(family, spec.id);
  const auto* factory = std::get_if<Make<T>>(&strategy->factory);
  if (!factory) return fail(ErrorKind::Refused, "'" + spec.id + "' is of another kind than the one wanted here", spec.id);
  return (*factory)(settings);
}

}  // namespace ts
