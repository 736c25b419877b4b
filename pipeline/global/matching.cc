#include "pipeline/global/matching.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace troupe::global {
namespace {

constexpr int64_t ms_per_second = 1000;

std::string literal(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
    out += plain ? std::string(1, c) : std::string("\\") + c;
  }
  return out;
}

// Of names, which are plain: the patterns hold.
matcher regions_matcher(match_op op, const std::string& pattern) {
  return *matcher::make(op, std::string(region_label), pattern);
}

bool mean(std::span<const matcher> ms, const std::string& region) {
  return std::all_of(ms.begin(), ms.end(), [&](const matcher& m) {
    return m.name() != region_label || m.matches(region);
  });
}

matchers without_region_label(std::span<const matcher> ms) {
  matchers out(ms.begin(), ms.end());
  std::erase_if(out, [](const matcher& m) { return m.name() == region_label; });
  return out;
}

}  // namespace

std::optional<matchers> own_matchers(std::span<const matcher> ms, const std::string& region) {
  if (!mean(ms, region))
    return std::nullopt;
  matchers out = without_region_label(ms);
  if (std::all_of(out.begin(), out.end(), [](const matcher& m) { return m.matches_empty(); }))
    out.push_back(*matcher::make(match_op::regex, std::string(metric_name_label), ".+"));
  out.push_back(regions_matcher(match_op::regex, "|" + literal(region)));
  return out;
}

matchers without_regions(std::span<const matcher> ms, std::span<const std::string> regions) {
  matchers out(ms.begin(), ms.end());
  std::string pattern;
  for (size_t i = 0; i < regions.size(); ++i)
    pattern += (i > 0 ? "|" : "") + literal(regions[i]);
  if (!regions.empty())
    out.push_back(regions_matcher(match_op::not_regex, pattern));
  return out;
}

std::optional<matchers> only_region(std::span<const matcher> ms, const std::string& region) {
  if (!mean(ms, region))
    return std::nullopt;
  matchers out = without_region_label(ms);
  out.push_back(matcher::equal(std::string(region_label), region));
  return out;
}

std::string selector_text(std::span<const matcher> ms) {
  std::string out = "{";
  for (const auto& m : ms)
    out += (out.size() > 1 ? "," : "") + m.to_string();
  return out + "}";
}

std::string seconds_text(timestamp_ms ts) {
  const auto [sign, size] = ts < 0 ? std::pair("-", -ts) : std::pair("", ts);
  return fmt::format("{}{}.{:03}", sign, size / ms_per_second, size % ms_per_second);
}

}  // namespace troupe::global
