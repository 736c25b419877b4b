#include "pipeline/parse/openmetrics_parser.h"

#include "storage/base/hash.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <cmath>

namespace troupe::parse {
namespace {

std::string_view between(const char* a, const char* b) {
  return {a, static_cast<size_t>(b - a)};
}
const char* line_end(const char* p, const char* end) {
  return std::find(p, end, '\n');
}
// The end of a run without blank and line break.
const char* token_end(const char* p, const char* end) {
  while (p != end && *p != ' ' && *p != '\n')
    ++p;
  return p;
}

bool read_type_name(std::string_view text, metric_type& out) {
  static constexpr std::string_view known[] = {"counter", "gauge", "histogram", "gaugehistogram",
                                               "summary", "info",  "stateset",  "unknown"};
  if (std::find(std::begin(known), std::end(known), text) == std::end(known))
    return false;
  out = metric_type_from(text);
  return true;
}

bool unit_fits(std::string_view unit, std::string_view family) {
  return unit.empty() || (family.size() > unit.size() && family.ends_with(unit) &&
                          family[family.size() - unit.size() - 1] == '_');
}

}  // namespace

bool seconds_to_ms(double seconds, timestamp_ms& out) {
  const double ms = seconds * 1000;
  if (!(std::fabs(ms) < 9.2e18))
    return false;
  out = static_cast<timestamp_ms>(ms);
  return true;
}

entry openmetrics_parser::next() {
  line_ = pos_;
  if (pos_ == end_)
    return fail("data does not end with # EOF");
  return *pos_ == '#' ? read_hash_line() : read_series();
}

entry openmetrics_parser::read_hash_line() {
  const auto rest = between(line_, end_);
  if (rest == "# EOF" || rest == "# EOF\n") {
    pos_ = end_;
    return entry::end;
  }
  if (rest.starts_with("# EOF\n"))
    return fail("unexpected data after # EOF");
  if (rest.starts_with("# HELP "))
    return read_metadata(line_ + 7, entry::help);
  if (rest.starts_with("# TYPE "))
    return read_metadata(line_ + 7, entry::type);
  if (rest.starts_with("# UNIT "))
    return read_metadata(line_ + 7, entry::unit);
  return fail_at("expected a valid start token", line_);
}

entry openmetrics_parser::read_metadata(const char* p, entry kind) {
  const std::string what(line_ + 2, 4);
  const bool is_quoted = p != end_ && *p == '"';
  const char* stop = is_quoted ? skip_quoted(p, end_, false) : skip_metric_name(p, end_);
  if (stop == nullptr || stop == p)
    return fail_at("expected metric name after " + what, p);
  family_ = is_quoted ? between(p + 1, stop - 1) : between(p, stop);
  const char* eol = line_end(stop, end_);
  if (eol == end_ || stop == eol || *stop != ' ')
    return fail("expected text in " + what);
  text_ = between(stop + 1, eol);
  pos_ = eol + 1;
  if (kind == entry::type) {
    if (!read_type_name(text_, type_))
      return fail("invalid metric type " + quoted(text_.substr(0, max_quoted_context)));
    text_ = {};
    type_family_ = family_;
    skipped_type_line_ = {};
  } else if (!is_valid_utf8(text_)) {
    return fail("help text " + quoted(text_.substr(0, max_quoted_context)) +
                " is not a valid utf8 string");
  }
  if (kind == entry::unit && !unit_fits(text_, family_))
    return fail("unit " + quoted(text_.substr(0, max_quoted_context)) + " not a suffix of metric " +
                quoted(family_.substr(0, max_quoted_context)));
  return kind;
}

entry openmetrics_parser::read_series() {
  tokens_.labels.clear();
  tokens_.has_name = false;
  const char* p = skip_metric_name(line_, end_);
  if (p != line_) {
    tokens_.name = between(line_, p);
    tokens_.has_name = true;
  } else if (*p != '{') {
    return fail_at("expected a valid start token", p);
  }
  if (p != end_ && *p == '{') {
    p = read_braces(p + 1, end_, brace_rules::openmetrics, tokens_);
    if (p == nullptr)
      return fail_at(tokens_.reason, tokens_.at);
  }
  const auto series = between(line_, p);
  if (!tokens_.has_name)
    return fail("metric name not set while parsing: " +
                quoted(series.substr(0, max_quoted_context)));
  const auto read = read_tail(p);
  series_ = series;
  return read;
}

entry openmetrics_parser::read_tail(const char* p) {
  has_ts_ = has_exemplar_ = false;
  const char* stop = p != end_ && *p == ' ' ? token_end(p + 1, end_) : p;
  if (stop <= p + 1)
    return fail_at("expected value after metric", p);
  auto token = between(p + 1, stop);
  if (const auto why = parse_float(token, value_); why != number_error::none)
    return fail_number(why, token);
  p = stop;
  if (p != end_ && *p == ' ' && !between(p, end_).starts_with(" # {")) {
    if (!read_seconds(p, ts_))
      return entry::error;
    has_ts_ = true;
  }
  if (between(p, end_).starts_with(" # {"))
    return read_exemplar(p);
  if (p == end_)
    return fail("data does not end with # EOF");
  if (*p != '\n')
    return fail_at("expected next entry after timestamp", p);
  pos_ = p + 1;
  return entry::series;
}

// " 1520872607.123" at `p`.
bool openmetrics_parser::read_seconds(const char*& p, timestamp_ms& out) {
  const char* stop = token_end(p + 1, end_);
  const auto token = between(p + 1, stop);
  double seconds = 0;
  if (const auto why = parse_float(token, seconds); why != number_error::none) {
    fail_number(why, token);
    return false;
  }
  if (!seconds_to_ms(seconds, out)) {
    fail("invalid timestamp " + quoted(token.substr(0, max_quoted_context)));
    return false;
  }
  p = stop;
  return true;
}

// ` # {trace_id="x"} 0.5 1520872607.123` at `p`.
entry openmetrics_parser::read_exemplar(const char* p) {
  series_tokens tokens;
  const char* brace = p + 3;
  p = read_braces(brace + 1, end_, brace_rules::exemplar, tokens);
  if (p == nullptr)
    return fail_at(tokens.reason, tokens.at);
  exemplar_ = {between(brace, p), 0, 0, false};
  const char* stop = p != end_ && *p == ' ' ? token_end(p + 1, end_) : p;
  if (stop <= p + 1)
    return fail_at("expected value after exemplar labels", p);
  const auto token = between(p + 1, stop);
  if (const auto why = parse_float(token, exemplar_.value); why != number_error::none)
    return fail_number(why, token);
  p = stop;
  if (p != end_ && *p == ' ') {
    if (!read_seconds(p, exemplar_.ts))
      return entry::error;
    exemplar_.has_timestamp = true;
  }
  if (p == end_)
    return fail("data does not end with # EOF");
  if (*p != '\n')
    return fail_at("expected next entry after exemplar timestamp", p);
  has_exemplar_ = true;
  pos_ = p + 1;
  return entry::series;
}

std::string_view openmetrics_parser::suffix() {
  const auto family = type_family();
  const bool ours = !family.empty() && tokens_.name.starts_with(family);
  return ours ? tokens_.name.substr(family.size()) : std::string_view("-");
}

bool openmetrics_parser::is_created() {
  const bool has_start = type_ == metric_type::counter || type_ == metric_type::histogram ||
                         type_ == metric_type::summary;
  return has_start && suffix() == "_created";
}

uint64_t openmetrics_parser::start_key() {
  const auto s = suffix();
  const bool member =
      (type_ == metric_type::counter && s == "_total") ||
      (type_ == metric_type::histogram && (s == "_bucket" || s == "_sum" || s == "_count")) ||
      (type_ == metric_type::summary && (s.empty() || s == "_sum" || s == "_count"));
  if (!member && !is_created())
    return 0;
  // Independent of the order of the labels: a sum of hashes.
  uint64_t key = xxh3(type_family(), 1);
  for (const auto& l : tokens_.labels) {
    const bool inner = (type_ == metric_type::histogram && l.name == "le") ||
                       (type_ == metric_type::summary && l.name == "quantile");
    if (!inner)
      key += xxh3(l.value, xxh3(l.name));
  }
  return key == 0 ? 1 : key;
}

}  // namespace troupe::parse
