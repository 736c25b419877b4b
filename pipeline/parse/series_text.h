// Tokeniser of `name{label="value",…}` for both text formats: finds the parts as views, unescapes
// on demand. Used by one thread at a time; allocates only while its label list grows.
#pragma once

#include "pipeline/parse/number.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::parse {

/// More labels in one series are an error: a line of nothing but labels must not multiply its size
/// in memory.
inline constexpr size_t max_labels = 10'000;

/// How strict the braces are read.
enum class brace_rules : uint8_t {
  text,         ///< blanks between tokens, line breaks in values, comma optional
  openmetrics,  ///< no blanks, comma needed, a quoted metric name allowed
  exemplar,     ///< as openmetrics, no metric name
};

/// Parts of one series text, still escaped, without quotes.
struct series_tokens {
  struct label {
    std::string_view name;
    std::string_view value;
  };
  std::string_view name;
  bool has_name = false;
  std::vector<label> labels;
  // On failure: why and where.
  std::string_view reason;
  const char* at = nullptr;
};

/// Reads from behind '{' to behind '}'. `out.name`/`has_name` are those found before the braces, if
/// any; labels are appended. nullptr on failure with reason and at set.
const char* read_braces(const char* p, const char* end, brace_rules rules, series_tokens& out);

/// The end of the metric name [a-zA-Z_:][a-zA-Z0-9_:]* at `p`; `p` itself if there is none.
const char* skip_metric_name(const char* p, const char* end);
/// The end of the quoted string that starts at `p` (on the quote), or nullptr if it is not closed.
const char* skip_quoted(const char* p, const char* end, bool line_breaks);

/// \" \\ and \n replaced; any other backslash stays.
std::string unescape_label(std::string_view text);
/// \\ and \n replaced.
std::string unescape_help(std::string_view text);

}  // namespace troupe::parse
