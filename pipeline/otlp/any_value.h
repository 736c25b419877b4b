// opentelemetry.proto.common.v1.AnyValue, and the text that it is as a label's value. Plain value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::otlp {

struct any_value {
  enum class kind : uint8_t { empty, text, boolean, integer, real, array, map, bytes };
  struct member;

  kind type = kind::empty;
  bool boolean = false;
  int64_t integer = 0;
  double real = 0;
  std::string_view text;        ///< of text and of bytes, decoded; of the request
  std::vector<member> members;  ///< of array (without keys) and map
};
struct any_value::member {
  std::string_view key;
  any_value value;
};

/// As OpenTelemetry's AsString() has it: arrays and maps are JSON, bytes are base64.
std::string to_text(const any_value& v);

}  // namespace troupe::otlp
