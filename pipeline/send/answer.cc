#include "pipeline/send/answer.h"

#include <time.h>

#include <algorithm>
#include <charconv>

namespace troupe::send {
namespace {

constexpr size_t shown_bytes = 256;
constexpr int64_t longest_wait_ms = 24LL * 3600 * 1000;

std::optional<uint64_t> number(std::string_view text) {
  uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return out;
}

}  // namespace

verdict judge(const http::fetch_result& got, bool retry_on_429) {
  if (got.code / 100 == 2)
    return verdict::taken;
  if (!got.error.ok() || got.code / 100 == 5 || (got.code == 429 && retry_on_429))
    return verdict::again;
  return verdict::refused;
}

std::optional<entry_counts> written(const http::headers& fields) {
  const std::string prefix = "X-Prometheus-Remote-Write-";
  const auto samples = number(http::find_header(fields, prefix + "Samples-Written"));
  const auto histograms = number(http::find_header(fields, prefix + "Histograms-Written"));
  const auto exemplars = number(http::find_header(fields, prefix + "Exemplars-Written"));
  if (!samples && !histograms && !exemplars)
    return std::nullopt;
  return entry_counts{samples.value_or(0), histograms.value_or(0), exemplars.value_or(0)};
}

int64_t retry_after_ms(const http::headers& fields, int64_t now_ms) {
  const std::string text(http::find_header(fields, "Retry-After"));
  if (const auto seconds = number(text))
    return static_cast<int64_t>(std::min<uint64_t>(*seconds, longest_wait_ms / 1000)) * 1000;
  tm when{};
  if (text.empty() || strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &when) == nullptr)
    return 0;
  return std::clamp<int64_t>(timegm(&when) * 1000 - now_ms, 0, longest_wait_ms);
}

std::string describe(const http::fetch_result& got) {
  if (got.code == 0)
    return std::string(got.error.message());
  std::string out = "status " + std::to_string(got.code);
  if (!got.body.empty())
    out += ": " + got.body.substr(0, std::min(got.body.find('\n'), shown_bytes));
  return out;
}

}  // namespace troupe::send
