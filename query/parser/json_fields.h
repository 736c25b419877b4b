// Members of JSON objects, appended with their keys. Pure, any thread.
#pragma once

#include "query/parser/printer.h"

#include <string>
#include <string_view>

namespace troupe::query {

/// "key":"text"
inline void append_json_text(std::string& out, std::string_view key, std::string_view text) {
  out.append("\"").append(key).append("\":");
  append_json_string(out, text);
}

/// "key":{"name":"value",…}, of labels and of maps.
template <class Pairs>
void append_json_pairs(std::string& out, std::string_view key, const Pairs& pairs) {
  out.append("\"").append(key).append("\":{");
  bool first = true;
  for (const auto& [name, value] : pairs) {
    if (!first)
      out += ',';
    first = false;
    append_json_string(out, name);
    out += ':';
    append_json_string(out, value);
  }
  out += '}';
}

}  // namespace troupe::query
