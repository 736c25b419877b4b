#include "pipeline/api/params.h"

#include "query/parser/parser.h"
#include "storage/base/civil_time.h"
#include "storage/base/duration.h"
#include "storage/base/quote.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace troupe::api {

namespace {

bool parse_number(std::string_view text, double& v) {
  if (!text.empty() && text[0] == '+')
    text.remove_prefix(1);
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), v);
  return ec == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

result<timestamp_ms> parse_time(std::string_view text) {
  double seconds = 0;
  if (parse_number(text, seconds)) {
    double ms = std::round(seconds * 1000);
    if (!(std::abs(ms) < 9.2e18))
      return {errc::invalid_argument,
              fmt::format("cannot parse \"{}\" to a valid timestamp", text)};
    return static_cast<timestamp_ms>(ms);
  }
  timestamp_ms t = 0;
  if (parse_rfc3339(text, t))
    return t;
  if (text == "-292273086-05-16T16:47:06Z")
    return min_time;
  if (text == "+292277025-08-18T07:12:54.999999999Z")
    return max_time;
  return {errc::invalid_argument, fmt::format("cannot parse \"{}\" to a valid timestamp", text)};
}

result<int64_t> parse_duration_param(std::string_view text) {
  double seconds = 0;
  if (parse_number(text, seconds)) {
    if (!(std::abs(seconds) < 9.2e15))
      return {errc::invalid_argument,
              fmt::format("cannot parse \"{}\" to a valid duration. It overflows int64", text)};
    return static_cast<int64_t>(std::round(seconds * 1000));
  }
  if (auto d = parse_duration(text); d.ok())
    return d;
  return {errc::invalid_argument, fmt::format("cannot parse \"{}\" to a valid duration", text)};
}

result<timestamp_ms> time_param(const http::request& r, std::string_view name,
                                timestamp_ms fallback) {
  auto text = r.param(name);
  if (!text || text->empty())
    return fallback;
  auto t = parse_time(*text);
  if (!t.ok())
    return t.error().with_context(
        fmt::format("invalid parameter \"{0}\": invalid time value for '{0}'", name));
  return t;
}

result<size_t> limit_param(const http::request& r, std::string_view name) {
  auto text = r.param(name);
  if (!text || text->empty())
    return size_t{0};
  int64_t v = 0;
  auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), v);
  if (ec != std::errc() || end != text->data() + text->size())
    return {errc::invalid_argument,
            fmt::format("invalid parameter \"{}\": strconv.Atoi: parsing \"{}\": invalid syntax",
                        name, *text)};
  if (v < 0)
    return {errc::invalid_argument,
            fmt::format("invalid parameter \"{}\": {} must be non-negative", name, name)};
  return static_cast<size_t>(v);
}

result<std::vector<matchers>> selector_params(const http::request& r) {
  std::vector<matchers> out;
  for (std::string_view text : r.params_of("match[]")) {
    auto ms = query::parse_metric_selector(text);
    if (!ms.ok())
      return ms.error().with_context("invalid parameter \"match[]\"");
    out.push_back(std::move(*ms));
  }
  return out;
}

result<std::vector<std::pair<std::string, std::string>>> extra_label_params(
    const http::request& r) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto text : r.params_of("extra_label")) {
    const auto equals = text.find('=');
    if (equals == text.npos || equals == 0)
      return {errc::invalid_argument,
              "extra_label " + quoted(text.substr(0, 128)) + " is not of the form name=value"};
    out.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

std::string unescape_label_name(std::string_view name) {
  if (!name.starts_with("U__"))
    return std::string(name);
  std::string out;
  for (size_t i = 3; i < name.size();) {
    if (name[i] != '_') {
      out.push_back(name[i++]);
      continue;
    }
    if (i + 1 < name.size() && name[i + 1] == '_') {
      out.push_back('_');
      i += 2;
      continue;
    }
    size_t end = name.find('_', i + 1);
    uint32_t rune = 0;
    if (end == std::string_view::npos || end - i - 1 > 6 || end == i + 1)
      return std::string(name);
    auto [p, ec] = std::from_chars(name.data() + i + 1, name.data() + end, rune, 16);
    if (ec != std::errc() || p != name.data() + end || rune > 0x10ffff)
      return std::string(name);
    if (rune < 0x80) {
      out.push_back(static_cast<char>(rune));
    } else if (rune < 0x800) {
      out.push_back(static_cast<char>(0xc0 | rune >> 6));
      out.push_back(static_cast<char>(0x80 | (rune & 0x3f)));
    } else if (rune < 0x10000) {
      out.push_back(static_cast<char>(0xe0 | rune >> 12));
      out.push_back(static_cast<char>(0x80 | (rune >> 6 & 0x3f)));
      out.push_back(static_cast<char>(0x80 | (rune & 0x3f)));
    } else {
      out.push_back(static_cast<char>(0xf0 | rune >> 18));
      out.push_back(static_cast<char>(0x80 | (rune >> 12 & 0x3f)));
      out.push_back(static_cast<char>(0x80 | (rune >> 6 & 0x3f)));
      out.push_back(static_cast<char>(0x80 | (rune & 0x3f)));
    }
    i = end + 1;
  }
  return out;
}

}  // namespace troupe::api
