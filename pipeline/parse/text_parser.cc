#include "pipeline/parse/text_parser.h"

#include "storage/base/quote.h"

#include <algorithm>
#include <charconv>

namespace troupe::parse {
namespace {

const char* skip_blanks_in_line(const char* p, const char* end) {
  while (p != end && (*p == ' ' || *p == '\t'))
    ++p;
  return p;
}
const char* line_end(const char* p, const char* end) {
  return std::find(p, end, '\n');
}
const char* behind_break(const char* p, const char* end) {
  return p == end ? p : p + 1;
}
std::string_view between(const char* a, const char* b) {
  return {a, static_cast<size_t>(b - a)};
}

bool read_type_name(std::string_view text, metric_type& out) {
  if (text == "untyped") {
    out = metric_type::unknown;
    return true;
  }
  if (text != "counter" && text != "gauge" && text != "histogram" && text != "summary")
    return false;
  out = metric_type_from(text);
  return true;
}

}  // namespace

entry text_parser::next() {
  skip_blanks();
  line_ = pos_;
  if (pos_ == end_)
    return entry::end;
  return *pos_ == '#' ? read_hash_line() : read_series();
}

entry text_parser::read_comment(const char* p) {
  const char* stop = line_end(p, end_);
  text_ = between(p, stop);
  pos_ = behind_break(stop, end_);
  return entry::comment;
}

entry text_parser::read_hash_line() {
  const char* p = skip_blanks_in_line(line_ + 1, end_);
  if (p == line_ + 1)
    return read_comment(p);
  const auto rest = between(p, end_);
  const bool is_help = rest.starts_with("HELP");
  if (!is_help && !rest.starts_with("TYPE"))
    return read_comment(p);
  const char* name = skip_blanks_in_line(p + 4, end_);
  if (name == p + 4)
    return read_comment(p);
  return read_metadata(name, is_help);
}

entry text_parser::read_metadata(const char* p, bool is_help) {
  const bool is_quoted = p != end_ && *p == '"';
  const char* stop = is_quoted ? skip_quoted(p, end_, true) : skip_metric_name(p, end_);
  if (stop == nullptr || stop == p)
    return fail_at(is_help ? "expected metric name after HELP" : "expected metric name after TYPE",
                   p);
  family_ = is_quoted ? between(p + 1, stop - 1) : between(p, stop);
  const char* eol = line_end(stop, end_);
  // The one byte behind the name is the separator, whatever it is.
  text_ = stop == eol ? std::string_view() : between(stop + 1, eol);
  if (is_help && !is_valid_utf8(text_))
    return fail("help text " + quoted(text_.substr(0, max_quoted_context)) +
                " is not a valid utf8 string");
  if (!is_help && !read_type_name(text_, type_))
    return fail("invalid metric type " + quoted(text_.substr(0, max_quoted_context)));
  pos_ = behind_break(eol, end_);
  if (!is_help) {
    text_ = {};
    type_family_ = family_;
    skipped_type_line_ = {};
  }
  return is_help ? entry::help : entry::type;
}

entry text_parser::read_series() {
  tokens_.labels.clear();
  tokens_.has_name = false;
  const char* p = skip_metric_name(line_, end_);
  if (p != line_) {
    tokens_.name = between(line_, p);
    tokens_.has_name = true;
  } else if (*p != '{') {
    return fail_at("expected a valid start token", p);
  }
  const char* brace = skip_blanks_in_line(p, end_);
  if (brace != end_ && *brace == '{') {
    p = read_braces(brace + 1, end_, brace_rules::text, tokens_);
    if (p == nullptr)
      return fail_at(tokens_.reason, tokens_.at);
  }
  series_ = between(line_, p);
  if (!tokens_.has_name)
    return fail("metric name not set while parsing: " +
                quoted(series_.substr(0, max_quoted_context)));
  return read_tail(p);
}

entry text_parser::read_tail(const char* p) {
  p = skip_blanks_in_line(p, end_);
  const char* stop = p;
  while (stop != end_ && *stop != ' ' && *stop != '\t' && *stop != '\n' && *stop != '{')
    ++stop;
  if (stop == p)
    return fail_at("expected value after metric", p);
  const auto token = between(p, stop);
  if (const auto why = parse_float(token, value_); why != number_error::none)
    return fail_number(why, token);
  p = skip_blanks_in_line(stop, end_);
  const char* digits = p;
  while (p != end_ && *p >= '0' && *p <= '9')
    ++p;
  has_ts_ = p != digits;
  if (has_ts_) {
    if (std::from_chars(digits, p, ts_).ec != std::errc())
      return fail("strconv.ParseInt: parsing " + quoted(between(digits, p).substr(0, 40)) +
                  ": value out of range");
    p = skip_blanks_in_line(p, end_);
  }
  if (p != end_ && *p != '\n')
    return fail_at(
        has_ts_ ? "expected next entry after timestamp" : "expected timestamp or new record", p);
  pos_ = behind_break(p, end_);
  return entry::series;
}

}  // namespace troupe::parse
