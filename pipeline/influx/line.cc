#include "pipeline/influx/line.h"

#include "pipeline/parse/number.h"
#include "storage/base/quote.h"

#include <charconv>

namespace troupe::influx {

namespace {

constexpr auto npos = std::string_view::npos;

std::string shown(std::string_view text) {
  return quoted(text.substr(0, 128));
}

/// Position of the first `wanted` that no backslash is before.
size_t find_unescaped(std::string_view text, char wanted) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == wanted)
      return i;
    i += text[i] == '\\' ? 1 : 0;
  }
  return npos;
}

/// The same, outside of double quotes.
size_t find_unquoted(std::string_view text, char wanted) {
  bool inside = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"')
      inside = !inside;
    else if (text[i] == wanted && !inside)
      return i;
    else
      i += text[i] == '\\' ? 1 : 0;
  }
  return npos;
}

/// Takes what is before `end` off, and the character there; all of it for npos.
std::string_view take(std::string_view& text, size_t end) {
  const auto out = text.substr(0, end);
  text.remove_prefix(end == npos ? text.size() : end + 1);
  return out;
}

void skip_spaces(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
}

template <class T>
bool read_integer(std::string_view text, T& out) {
  if (text.starts_with('+'))
    text.remove_prefix(1);
  const auto end = std::from_chars(text.data(), text.data() + text.size(), out);
  return end.ec == std::errc() && end.ptr == text.data() + text.size();
}

/// What is no number is 0.
double number_or_zero(std::string_view text) {
  double out = 0;
  return parse::parse_float(text, out) == parse::number_error::none ? out : 0;
}

status read_value(std::string_view text, double& out) {
  if (text.empty())
    return {errc::invalid_argument, "field value cannot be empty"};
  if (text[0] == '"') {
    if (text.size() < 2 || text.back() != '"')
      return {errc::invalid_argument, "missing closing quote for quoted field value"};
    out = number_or_zero(text.substr(1, text.size() - 2));
    return {};
  }
  const auto digits = text.substr(0, text.size() - 1);
  int64_t integer = 0;
  uint64_t natural = 0;
  if (text.back() == 'i' && !text.ends_with("nfi")) {
    if (!read_integer(digits, integer))
      return {errc::invalid_argument, "cannot parse integer " + shown(text)};
    out = static_cast<double>(integer);
  } else if (text.back() == 'u') {
    if (!read_integer(digits, natural))
      return {errc::invalid_argument, "cannot parse unsigned integer " + shown(text)};
    out = static_cast<double>(natural);
  } else if (text == "t" || text == "T" || text == "true" || text == "True" || text == "TRUE") {
    out = 1;
  } else {
    out = number_or_zero(text);
  }
  return {};
}

}  // namespace

std::optional<std::string_view> next_line(std::string_view& text) {
  if (text.empty())
    return std::nullopt;
  auto out = take(text, text.find('\n'));
  if (out.ends_with('\r'))
    out.remove_suffix(1);
  return out;
}

status line::parse(std::string_view text) {
  texts_.clear();
  tags.clear();
  fields.clear();
  time.reset();
  const size_t first = find_unescaped(text, ' ');
  if (first == npos)
    return {errc::invalid_argument, "no fields in " + shown(text)};
  auto head = take(text, first);
  skip_spaces(text);
  const size_t comma = find_unescaped(head, ',');
  measurement = unescaped(take(head, comma));
  if (comma != npos)
    TROUPE_TRY(read_tags(head));
  TROUPE_TRY(read_fields(take(text, find_unquoted(text, ' '))));
  skip_spaces(text);
  if (text.empty())
    return {};
  int64_t at = 0;
  if (!read_integer(text, at))
    return {errc::invalid_argument, "cannot parse timestamp " + shown(text)};
  time = at;
  return {};
}

status line::read_tags(std::string_view text) {
  for (bool more = true; more;) {
    const size_t comma = find_unescaped(text, ',');
    more = comma != npos;
    auto value = take(text, comma);
    const size_t equals = find_unescaped(value, '=');
    if (equals == npos)
      return {errc::invalid_argument, "missing tag value for " + shown(value)};
    const auto key = take(value, equals);
    if (!key.empty() && !value.empty())
      tags.push_back({unescaped(key), unescaped(value)});
  }
  return {};
}

status line::read_fields(std::string_view text) {
  for (bool more = true; more;) {
    const size_t comma = find_unquoted(text, ',');
    more = comma != npos;
    auto value = take(text, comma);
    const size_t equals = find_unescaped(value, '=');
    if (equals == npos)
      return {errc::invalid_argument, "missing field value for " + shown(value)};
    field f;
    f.key = unescaped(take(value, equals));
    if (f.key.empty())
      return {errc::invalid_argument, "field key cannot be empty"};
    TROUPE_TRY(read_value(value, f.value).with_context("field " + shown(f.key)));
    fields.push_back(f);
  }
  return {};
}

/// A backslash stays where it escapes nothing.
std::string_view line::unescaped(std::string_view text) {
  if (text.find('\\') == npos)
    return text;
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escapes = text[i] == '\\' && i + 1 < text.size();
    if (!escapes) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    if (c != ' ' && c != ',' && c != '=' && c != '\\')
      out += '\\';
    out += c;
  }
  return texts_.emplace_back(std::move(out));
}

}  // namespace troupe::influx
