#include "pipeline/drill/http_link.h"

#include "config/text.h"

#include <utility>

namespace troupe::drill {
namespace {

/// Short, so that a node that is gone is noticed.
constexpr int64_t timeout_ms = 5'000;

}  // namespace

http_link::http_link(std::string url, std::unique_ptr<client::api_client> to)
    : url_(std::move(url)), to_(std::move(to)) {}

result<std::unique_ptr<http_link>> http_link::make(const std::string& url,
                                                   const config::http_client_config& client,
                                                   file_system& fs, const clock& clk) {
  TROUPE_ASSIGN(auto to, client::api_client::create(url, client, fs, clk, timeout_ms));
  std::string shown = config::mask_url(url);
  while (shown.ends_with('/'))
    shown.pop_back();
  return std::unique_ptr<http_link>(new http_link(std::move(shown), std::move(to)));
}

std::vector<reply> http_link::take() {
  std::vector<reply> out;
  for (auto& a : to_->answers(0))
    out.push_back({a.token, std::move(a.error), a.code, std::move(a.body)});
  return out;
}

}  // namespace troupe::drill
