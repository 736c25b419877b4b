#include "pipeline/discover/http_sd.h"

#include "pipeline/discover/http_status.h"
#include "pipeline/discover/target_groups.h"
#include "storage/base/quote.h"

#include <fmt/core.h>

#include <algorithm>

namespace troupe::discover {
namespace {

constexpr uint64_t max_body_bytes = 64ULL << 20;

// application/json, alone or with charset utf-8.
bool is_json_type(std::string_view type) {
  std::string t;
  for (const char c : type)
    if (c != ' ' && c != '\t')
      t += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return t == "application/json" || t == "application/json;charset=utf-8" ||
         t == "application/json;charset=\"utf-8\"";
}

// The URL without what could be a password.
std::string printable(const std::string& url) {
  const auto scheme = url.find("://");
  const auto at = url.find('@');
  const auto path = scheme == std::string::npos ? scheme : url.find('/', scheme + 3);
  if (scheme == std::string::npos || at == std::string::npos || at > path)
    return url;
  return url.substr(0, scheme + 3) + url.substr(at + 1);
}

}  // namespace

http_sd::http_sd(config::http_sd_config config, http::endpoint_ptr to, std::string error)
    : config_(std::move(config)), to_(std::move(to)), error_(std::move(error)) {}

http::headers http_sd::request_headers(const config::http_sd_config& config) {
  return {{"Accept", "application/json"},
          {"X-Prometheus-Refresh-Interval-Seconds",
           fmt::format("{}", static_cast<double>(config.refresh_interval_ms) / 1000)}};
}

http::fetch_request http_sd::request(uint64_t token) const {
  http::fetch_request out;
  out.token = token;
  out.to = to_;
  out.timeout_ms = config_.refresh_interval_ms;
  out.max_body_bytes = max_body_bytes;
  return out;
}

result<std::vector<config::target_group>> http_sd::read(const http::fetch_result& got) const {
  if (!got.error.ok())
    return got.error;
  if (got.code != 200)
    return {errc::unavailable, "server returned HTTP status " + http_status(got.code)};
  if (!is_json_type(got.content_type))
    return {errc::invalid_argument, "unsupported content type " + quoted(got.content_type)};
  return parse_json_groups(got.body);
}

bool http_sd::on_result(const http::fetch_result& got) {
  auto groups = read(got);
  if (!groups.ok()) {
    error_ = groups.error().message();
    return false;
  }
  error_.clear();
  for (auto& group : *groups)
    group.labels["__meta_url"] = config_.url;
  if (*groups == groups_)
    return false;
  groups_ = std::move(*groups);
  return true;
}

std::string http_sd::error() const {
  return error_.empty() ? "" : printable(config_.url) + ": " + error_;
}

}  // namespace troupe::discover
