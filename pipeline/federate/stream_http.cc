#include "pipeline/federate/stream_http.h"

#include "pipeline/http/url.h"
#include "pipeline/remote/write_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace troupe::federate {
namespace {

constexpr std::string_view cursor_header = "X-Troupe-Federation-Cursor";
constexpr std::string_view samples_header = "X-Troupe-Federation-Samples";
constexpr std::string_view lag_header = "X-Troupe-Federation-Lag";          // ms
constexpr std::string_view damaged_header = "X-Troupe-Federation-Damaged";  // samples
constexpr std::string_view gap_header = "X-Troupe-Federation-Gap";  // "from to segments", ms
constexpr std::string_view start_header = "X-Troupe-Federation-Start";

constexpr std::array<std::string_view, 4> start_names{"", "anew", "other-data", "unreadable"};
constexpr size_t shown_bytes = 256;
constexpr int64_t longest_ms = 1LL << 53;

template <class T>
bool read_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

template <class T>
status number_param(const http::request& r, std::string_view name, T& out) {
  const auto text = r.param(name);
  if (text && !read_number(*text, out))
    return {errc::invalid_argument, fmt::format("parameter \"{}\" is no number", name)};
  return {};
}

template <class T>
T number_header(const http::fetch_result& got, std::string_view name) {
  T out{};
  read_number(http::find_header(got.header_fields, name), out);
  return out;
}

std::optional<stream_gap> read_gap(std::string_view text) {
  stream_gap out;
  const auto next = [&text] {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
  };
  if (!read_number(next(), out.from) || !read_number(next(), out.to) ||
      !read_number(next(), out.segments))
    return std::nullopt;
  out.from = std::clamp<timestamp_ms>(out.from, 0, longest_ms);
  out.to = std::clamp(out.to, out.from, longest_ms);
  return out;
}

http::response plain(int code, const status& why) {
  http::response out{code, "text/plain; charset=utf-8", {}, std::string(why.message()) + "\n"};
  if (code == 503)
    out.header_fields.push_back({"Retry-After", "1"});
  return out;
}

}  // namespace

result<stream_request> read_request(const http::request& r) {
  stream_request out;
  out.subscription = r.param("subscription").value_or("");
  out.cursor = r.param("cursor").value_or("");
  for (const auto text : r.params_of("match[]"))
    out.selectors.emplace_back(text);
  for (const auto text : r.params_of("label")) {
    const auto equals = text.find('=');
    if (equals == 0 || equals == text.npos)
      return {errc::invalid_argument, "parameter \"label\" is not of the form name=value"};
    out.labels.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  TROUPE_TRY(number_param(r, "keep", out.keep_bytes));
  TROUPE_TRY(number_param(r, "wait", out.wait_ms));
  return out;
}

http::response to_response(stream_answer a) {
  if (!a.error.ok())
    return plain(a.error.code() == errc::invalid_argument ? 400
                 : a.error.code() == errc::not_found      ? 404
                                                          : 503,
                 a.error);
  http::response out;
  out.status = a.body.empty() ? 204 : 200;
  out.content_type = remote::content_type(remote::write_protocol::v2);
  if (!a.body.empty())
    out.header_fields.push_back({"Content-Encoding", "snappy"});
  out.body = std::move(a.body);
  const auto add = [&](std::string_view name, std::string value) {
    out.header_fields.push_back({std::string(name), std::move(value)});
  };
  add(cursor_header, std::move(a.cursor));
  add(samples_header, std::to_string(a.samples));
  add(lag_header, std::to_string(a.lag_ms));
  if (a.damaged != 0)
    add(damaged_header, std::to_string(a.damaged));
  if (a.gap)
    add(gap_header, fmt::format("{} {} {}", a.gap->from, a.gap->to, a.gap->segments));
  if (a.start != stream_start::goes_on)
    add(start_header, std::string(start_names[static_cast<size_t>(a.start)]));
  return out;
}

std::string to_form(const stream_request& r) {
  http::params out{{"subscription", r.subscription},
                   {"keep", std::to_string(r.keep_bytes)},
                   {"wait", std::to_string(r.wait_ms)},
                   {"cursor", r.cursor}};
  for (const auto& s : r.selectors)
    out.emplace_back("match[]", s);
  for (const auto& [name, value] : r.labels)
    out.emplace_back("label", name + "=" + value);
  return http::encode_form(out);
}

stream_answer read_answer(http::fetch_result got) {
  stream_answer out;
  out.cursor = http::find_header(got.header_fields, cursor_header);
  if (!got.error.ok()) {
    out.error = {errc::unavailable, std::string(got.error.message())};
  } else if (got.code / 100 != 2) {
    const std::string text = got.body.substr(0, std::min(got.body.find('\n'), shown_bytes));
    out.error = {got.code == 400 ? errc::invalid_argument : errc::unavailable,
                 fmt::format("status {}: {}", got.code, text)};
  } else if (out.cursor.empty()) {
    out.error = {errc::unavailable, "the answer is not one of a troupe node"};
  }
  if (!out.error.ok())
    return out;
  out.samples = number_header<uint64_t>(got, samples_header);
  out.lag_ms = std::clamp<int64_t>(number_header<int64_t>(got, lag_header), 0, longest_ms);
  out.damaged = number_header<uint64_t>(got, damaged_header);
  out.gap = read_gap(http::find_header(got.header_fields, gap_header));
  const auto start = http::find_header(got.header_fields, start_header);
  for (size_t i = 0; i < start_names.size(); ++i)
    if (start == start_names[i])
      out.start = static_cast<stream_start>(i);
  out.body = std::move(got.body);
  return out;
}

}  // namespace troupe::federate
