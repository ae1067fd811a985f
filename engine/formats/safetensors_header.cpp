// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/safetensors_header.h"

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "engine/formats/byte_reader.h"

namespace ts {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kHeaderAt = 8;  ///< the text follows an eight-byte length
constexpr std::size_t kMostDimensions = 8;

/// Listens to the parser: {NAME: {"dtype": TEXT, "shape": [..], "data_offsets": [a, b]}, "__metadata__": {KEY: TEXT}}.
class Listener : public nlohmann::json_sax<Json> {
 public:
  explicit Listener(const char* begin) : begin_(begin) {}

  SafeTensorsHeader header;
  std::string error;
  std::uint64_t errorAt = 0;
  const char* position = nullptr;  ///< the parser's, updated by the counting iterator

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a truth value"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return unexpected("a fraction"); }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (depth_ != 3 || list_ == nullptr) return unexpected("a number");
    if (list_->size() >= kMostDimensions) return say("expected at most 8 numbers in \"" + field_ + "\"");
    list_->push_back(value);
    return true;
  }
  bool string(string_t& value) override {
    if (depth_ == 2 && inMetadata_) {
      header.metadata[field_] = value;
      return true;
    }
    if (depth_ == 2 && field_ == "dtype") {
      entry().dtype = value;
      return true;
    }
    return unexpected("a text");
  }
  bool start_object(std::size_t) override {
    if (depth_ == 2 || list_ != nullptr) return unexpected("an object");
    ++depth_;
    fields_.clear();
    return true;
  }
  bool end_object() override {
    if (depth_ == 2 && !inMetadata_)
      for (const char* needed : {"dtype", "shape", "data_offsets"})
        if (!fields_.contains(needed)) return say("expected \"" + std::string(needed) + "\" of tensor " + inQuotes(header.entries.back().first));
    --depth_;
    return true;
  }
  bool key(string_t& value) override {
    if (depth_ == 1) {
      if (!names_.insert(value).second) return say("expected each tensor once, found " + inQuotes(value) + " again");
      inMetadata_ = value == "__metadata__";
      if (!inMetadata_) {
        header.entries.emplace_back(value, SafeTensorsHeader::Entry{});
        entry().at = here();
      }
      return true;
    }
    if (!fields_.insert(value).second) return say("expected each field once, found " + inQuotes(value) + " again");
    if (!inMetadata_ && value != "dtype" && value != "shape" && value != "data_offsets")
      return say("expected \"dtype\", \"shape\" and \"data_offsets\", found " + inQuotes(value));
    field_ = value;
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ != 2 || inMetadata_ || field_ == "dtype") return unexpected("a list");
    list_ = field_ == "shape" ? &entry().shape : &entry().offsets;
    ++depth_;
    return true;
  }
  bool end_array() override {
    list_ = nullptr;
    --depth_;
    return true;
  }
  bool parse_error(std::size_t at, const std::string& token, const Json::exception&) override {
    error = "expected JSON, cannot read on at " + inQuotes(token);
    errorAt = kHeaderAt + (at > 0 ? at - 1 : 0);
    return false;
  }

 private:
  SafeTensorsHeader::Entry& entry() { return header.entries.back().second; }
  std::uint64_t here() const { return kHeaderAt + static_cast<std::uint64_t>(position - begin_); }
  bool unexpected(std::string_view what) {
    if (depth_ < 1) return say("expected an object, found " + std::string(what));
    if (depth_ < 2) return say("expected an object for each tensor, found " + std::string(what));
    if (inMetadata_) return say("expected only texts in \"__metadata__\", found " + std::string(what));
    return say("expected a text for \"dtype\" and lists of whole numbers for \"shape\" and \"data_offsets\", found " + std::string(what));
  }
  bool say(std::string message) {
    error = std::move(message);
    errorAt = here();
    return false;
  }

  const char* begin_;
  int depth_ = 0;
  bool inMetadata_ = false;
  std::string field_;
  std::vector<std::uint64_t>* list_ = nullptr;
  std::unordered_set<std::string> names_, fields_;
};

/// An input iterator that tells the listener how far the parser is.
struct Counting {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  const char* at;
  Listener* listener;
  reference operator*() const { return *at; }
  Counting& operator++() {
    ++at;
    if (listener != nullptr) listener->position = at;
    return *this;
  }
  Counting operator++(int) {
    Counting before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Counting& other) const { return at == other.at; }
};

}  // namespace

Result<SafeTensorsHeader> parseSafeTensorsHeader(std::string_view text, const std::string& file) {
  Listener listener(text.data());
  listener.position = text.data();
  const bool good = Json::sax_parse(Counting{text.data(), &listener}, Counting{text.data() + text.size(), nullptr}, &listener);
  if (!good) return fail(listener.error, placeIn(file, listener.errorAt));
  return std::move(listener.header);
}

}  // namespace ts
