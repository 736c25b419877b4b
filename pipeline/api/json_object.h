// JSON text made field by field.
#pragma once

#include "pipeline/api/respond.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace troupe::api {

/// One flat JSON object, built field by field.
class json_object {
 public:
  json_object& text(std::string_view key, std::string_view value) {
    begin(key);
    append_json_string(out_, value);
    return *this;
  }
  template <class T>
  json_object& number(std::string_view key, T value) {
    begin(key);
    out_ += fmt::format("{}", value);
    return *this;
  }
  json_object& raw(std::string_view key, std::string_view json) {
    begin(key);
    out_ += json;
    return *this;
  }
  json_object& boolean(std::string_view key, bool v) { return raw(key, v ? "true" : "false"); }
  std::string done() { return std::move(out_) + "}"; }

 private:
  void begin(std::string_view key) {
    if (out_.size() > 1)
      out_.push_back(',');
    append_json_string(out_, key);
    out_.push_back(':');
  }
  std::string out_ = "{";
};

/// "[a,b]" of what json(item) gives for each item.
template <class Items, class F>
std::string json_list(const Items& items, const F& json) {
  std::string out = "[";
  for (const auto& item : items) {
    if (out.size() > 1)
      out.push_back(',');
    out += json(item);
  }
  return out + "]";
}

}  // namespace troupe::api
