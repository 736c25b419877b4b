// What the exposition parsers share: a cursor over a body that names one entry at a time, all texts
// being views into the body. The caller keeps the body alive and uses a parser from one thread.
#pragma once

#include "pipeline/parse/series_text.h"
#include "storage/base/result.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::parse {

enum class entry : uint8_t { series, help, type, unit, comment, end, error };

enum class exposition_format : uint8_t { text, openmetrics, protobuf };

/// The exemplar of a sample; `labels` is the text between its braces, braces included.
struct exemplar_text {
  std::string_view labels;
  double value = 0;
  timestamp_ms ts = 0;
  bool has_timestamp = false;
};

/// Base of text_parser and openmetrics_parser. Two ways forward: next() tokenises a whole line;
/// take_known() and skip_known() of the two classes serve a caller that has seen the line's series
/// text before and only needs its value.
class exposition_parser {
 public:
  explicit exposition_parser(std::string_view body)
      : pos_(body.data()), begin_(body.data()), end_(body.data() + body.size()) {}

  /// Where the next line starts, and the end of the body.
  const char* position() const { return pos_; }
  const char* end() const { return end_; }
  /// Passes over a known metadata or comment line of `length` bytes (line break included).
  void skip_known(size_t length) {
    line_ = pos_;
    pos_ += length;
  }
  /// As skip_known, for a TYPE line of `type`.
  void skip_known_type(size_t length, metric_type type) {
    skip_known(length);
    type_ = type;
    skipped_type_line_ = entry_text();
  }
  /// The text of the entry that was read last, from its first byte to behind its line break.
  std::string_view entry_text() const { return {line_, static_cast<size_t>(pos_ - line_)}; }

  // --- after entry::series (and take_known) ---
  /// Name and braces as exposed: `foo{a="b"}`.
  std::string_view series() const { return series_; }
  double value() const { return value_; }
  /// The line's own timestamp, if it has one.
  bool has_timestamp() const { return has_ts_; }
  timestamp_ms timestamp() const { return ts_; }
  bool has_exemplar() const { return has_exemplar_; }
  const exemplar_text& exemplar() const { return exemplar_; }
  /// Labels of the series with its name, unescaped, `le` and `quantile` in canonical form where the
  /// last TYPE asks for it. `empty_names` (may be null) gets the names exposed with an empty value,
  /// which `out` cannot hold. Only after next(). invalid_argument for a repeated or empty label
  /// name.
  status read_labels(labels_builder& out, std::vector<std::string>* empty_names = nullptr) const;

  // --- after entry::help, type, unit, comment ---
  /// Metric family, unescaped.
  std::string family() const { return unescape_label(family_); }
  /// HELP or UNIT text, unescaped; "" for TYPE.
  std::string text() const;
  /// Type of the last TYPE line; it also decides how `le` and `quantile` are read.
  metric_type type() const { return type_; }
  /// The family that the last TYPE line names, as it stands there; "" before the first.
  std::string_view type_family();

  // --- after entry::error ---
  /// "line 3: expected value after metric, got …"
  const std::string& error() const { return error_; }

 protected:
  static constexpr size_t max_quoted_context = 200;
  entry fail(std::string_view reason);
  /// `reason, got "text" ("TOKEN") while parsing: "line so far"`
  entry fail_at(std::string_view reason, const char* at);
  entry fail_number(number_error why, std::string_view token);

  const char* pos_;
  const char* begin_;
  const char* end_;
  const char* line_ = nullptr;
  std::string_view series_;
  double value_ = 0;
  timestamp_ms ts_ = 0;
  bool has_ts_ = false;
  bool has_exemplar_ = false;
  bool help_keeps_quotes_ = false;  ///< in HELP texts \" is no escape (Prometheus text)
  metric_type type_ = metric_type::unknown;
  std::string_view family_;
  std::string_view text_;
  exemplar_text exemplar_;
  series_tokens tokens_;
  std::string_view type_family_;  ///< of the last TYPE line
  /// The last TYPE line, if it was skipped: its family is not read yet.
  std::string_view skipped_type_line_;
  std::string error_;
};

/// The labels of a series, sorted by name, into `out`; names with an empty value into `empty_names`
/// (may be null). invalid_argument for a repeated or empty name.
status take_labels(std::vector<std::pair<std::string, std::string>> pairs, labels_builder& out,
                   std::vector<std::string>* empty_names);

/// Labels of an exemplar's brace text; they were checked when the line was read.
labels read_exemplar_labels(std::string_view braces);

}  // namespace troupe::parse
