#include "config/text.h"

#include "storage/base/quote.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <filesystem>

namespace troupe::config {
namespace {

struct size_unit {
  std::string_view letter;
  int shift;
};
constexpr std::array<size_unit, 7> size_units{
    {{"E", 60}, {"P", 50}, {"T", 40}, {"G", 30}, {"M", 20}, {"K", 10}, {"", 0}}};
constexpr std::string_view masked = "xxxxx";

status bad_size(std::string_view text, std::string_view why) {
  return {errc::invalid_argument, "not a valid size: " + quoted(text) + ": " + std::string(why)};
}

// "MB", "MiB", "B" → shift, or -1.
int unit_shift(std::string_view unit) {
  for (const auto& u : size_units)
    if (unit == std::string(u.letter) + "B" ||
        (!u.letter.empty() && unit == std::string(u.letter) + "iB"))
      return u.shift;
  return -1;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

result<uint64_t> parse_bytes(std::string_view text) {
  if (text == "0")
    return uint64_t{0};
  if (text.empty())
    return bad_size(text, "empty");
  double total = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t digits = i;
    while (i < text.size() && (is_digit(text[i]) || text[i] == '.'))
      ++i;
    double n = 0;
    const auto parsed = std::from_chars(text.data() + digits, text.data() + i, n);
    if (i == digits || parsed.ec != std::errc() || parsed.ptr != text.data() + i)
      return bad_size(text, "not a number");
    const size_t letters = i;
    while (i < text.size() && is_letter(text[i]))
      ++i;
    if (i == letters)
      return bad_size(text, "missing unit (B, KB, MB, GB, TB, PB, EB)");
    const int shift = unit_shift(text.substr(letters, i - letters));
    if (shift < 0)
      return bad_size(text, "unknown unit");
    total += std::ldexp(n, shift);
  }
  if (!(total < 9.2e18))
    return bad_size(text, "too large");
  return static_cast<uint64_t>(total);
}

std::string format_bytes(uint64_t bytes) {
  if (bytes == 0)
    return "0B";
  std::string out;
  for (const auto& u : size_units) {
    const uint64_t n = bytes >> u.shift;
    if (n == 0)
      continue;
    out += std::to_string(n) + std::string(u.letter) + (u.letter.empty() ? "B" : "iB");
    bytes -= n << u.shift;
  }
  return out;
}

std::string mask_url(std::string_view url) {
  std::string out;
  size_t rest = 0;
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) {
    rest = scheme + 3;
    out = url.substr(0, rest);
  }
  const auto authority = url.substr(rest, url.find_first_of("/?#", rest) - rest);
  const auto at = authority.rfind('@');
  if (at != std::string_view::npos) {
    const bool has_password = authority.substr(0, at).find(':') != std::string_view::npos;
    out += has_password ? std::string(masked) + ":" + std::string(masked) : std::string(masked);
    rest += at;
  }
  const auto fragment = std::min(url.find('#', rest), url.size());
  const auto query = std::min(url.find('?', rest), fragment);
  out += url.substr(rest, query - rest);
  bool in_value = false;
  for (const char c : url.substr(query, fragment - query)) {
    if (c == '&' || c == ';')
      in_value = false;
    if (!in_value)
      out += c;
    if (c == '=' && !in_value) {
      in_value = true;
      out += masked;
    }
  }
  return out + std::string(url.substr(fragment));
}

status check_url(std::string_view url) {
  for (const unsigned char c : url)
    if (c <= ' ' || c == 0x7f)
      return {errc::invalid_argument, "must not hold spaces or control characters"};
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos)
    return {errc::invalid_argument, "must be an absolute URL"};
  const auto name = lower(url.substr(0, scheme));
  if (name != "http" && name != "https")
    return {errc::invalid_argument, "scheme must be 'http' or 'https'"};
  auto host = url.substr(scheme + 3, url.find_first_of("/?#", scheme + 3) - scheme - 3);
  host.remove_prefix(host.rfind('@') == std::string_view::npos ? 0 : host.rfind('@') + 1);
  if (host.empty() || host.front() == ':')
    return {errc::invalid_argument, "host is missing"};
  return {};
}

std::string join_folder(std::string_view folder, std::string_view path) {
  if (path.empty() || path.front() == '/')
    return std::string(path);
  auto joined = (std::filesystem::path(folder) / path).lexically_normal().string();
  return joined.empty() ? "." : joined;
}

std::string folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos)
    return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

bool is_legacy_label_name(std::string_view name) {
  if (name.empty() || is_digit(name.front()))
    return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

bool is_legacy_metric_name(std::string_view name) {
  if (name.empty() || is_digit(name.front()))
    return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == ':'; });
}

bool is_label_name(std::string_view name, bool utf8) {
  return utf8 ? !name.empty() && is_valid_utf8(name) : is_legacy_label_name(name);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

}  // namespace troupe::config
