// InfluxDB's line protocol, one line at a time: `measurement,tag=value field=1,other=2i timestamp`.
// Escapes, quotes and numbers are read as VictoriaMetrics reads them (lib/protoparser/influx).
// Reusable; one owner.
#pragma once

#include "storage/base/result.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::influx {

struct tag {
  std::string_view key, value;
};
struct field {
  std::string_view key;
  double value = 0;
};

/// Views are of the line, or of memory of the line's until the next parse().
class line {
 public:
  /// invalid_argument with the reason. `text` is without its end, neither empty nor a comment.
  status parse(std::string_view text);

  std::string_view measurement;  ///< may be empty
  std::vector<tag> tags;         ///< without those that have no key or no value
  std::vector<field> fields;     ///< at least one
  std::optional<int64_t> time;

 private:
  status read_tags(std::string_view text);
  status read_fields(std::string_view text);
  std::string_view unescaped(std::string_view text);

  std::deque<std::string> texts_;
};

/// What comes before the first `\n` of `text`, which it is taken off with its end; nothing after
/// the last line.
std::optional<std::string_view> next_line(std::string_view& text);

}  // namespace troupe::influx
