#include "pipeline/push/grouping.h"

#include "pipeline/http/base64.h"
#include "storage/base/quote.h"

#include <algorithm>

namespace troupe::push {
namespace {

constexpr std::string_view base64_suffix = "@base64";
constexpr size_t most_labels = 100;

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto slash = std::min(path.find('/'), path.size());
    out.push_back(path.substr(0, slash));
    if (slash == path.size())
      return out;
    path.remove_prefix(slash + 1);
  }
}

result<std::string> from_base64url(std::string_view text) {
  std::string standard(text);
  std::replace(standard.begin(), standard.end(), '-', '+');
  std::replace(standard.begin(), standard.end(), '_', '/');
  standard.erase(std::min(standard.find('='), standard.size()));
  constexpr size_t quantum = 4;
  while (standard.size() % quantum != 0)
    standard += '=';
  return http::base64_decode(standard);
}

}  // namespace

result<grouping> parse_grouping(std::string_view path) {
  const auto parts = split(path);
  if (parts.size() % 2 != 0)
    return {errc::invalid_argument, "odd number of components in grouping key: " + quoted(path)};
  grouping out;
  for (size_t i = 0; i < parts.size(); i += 2) {
    std::string_view name = parts[i];
    std::string value(parts[i + 1]);
    if (name.ends_with(base64_suffix)) {
      name.remove_suffix(base64_suffix.size());
      auto decoded = from_base64url(value);
      if (!decoded.ok())
        return decoded.error().with_context("invalid base64 encoding in the value of " +
                                            quoted(name));
      value = std::move(*decoded);
    }
    if (name.empty() || name.starts_with("__") || !is_valid_utf8(name))
      return {errc::invalid_argument, "improper label name " + quoted(name)};
    if (!is_valid_utf8(value))
      return {errc::invalid_argument, "the value of " + quoted(name) + " is not valid UTF-8"};
    out.emplace_back(name, std::move(value));
  }
  if (out.size() > most_labels)
    return {errc::invalid_argument, "more than " + std::to_string(most_labels) + " labels"};
  if (out[0].first != "job" || out[0].second.empty())
    return {errc::invalid_argument, "job name is required"};
  std::sort(out.begin(), out.end());
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
  if (const auto twice = std::adjacent_find(out.begin(), out.end(), same); twice != out.end())
    return {errc::invalid_argument, "label " + quoted(twice->first) + " is given twice"};
  return out;
}

}  // namespace troupe::push
