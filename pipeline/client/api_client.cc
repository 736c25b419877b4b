#include "pipeline/client/api_client.h"

#include "pipeline/http/asio_fetcher.h"
#include "pipeline/http/curl_client.h"
#include "pipeline/http/url.h"

#include <chrono>

namespace troupe::client {
namespace {

constexpr uint64_t max_answer_bytes = 1ULL << 30;

// What the server said, shortened to a line.
std::string server_text(const http::fetch_result& r) {
  auto text = r.body.substr(0, 300);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
    text.pop_back();
  return "HTTP status " + std::to_string(r.code) + (text.empty() ? "" : ": " + text);
}

}  // namespace

api_client::api_client(std::string server, http::endpoint_ptr write_to,
                       http::client_settings_ptr settings, std::unique_ptr<http::fetcher> fetcher,
                       int64_t timeout_ms)
    : server_(std::move(server)),
      write_to_(std::move(write_to)),
      settings_(std::move(settings)),
      timeout_ms_(timeout_ms),
      fetcher_(std::move(fetcher)) {}

api_client::~api_client() {
  fetcher_->stop();
}

result<std::unique_ptr<api_client>> api_client::create(std::string server,
                                                       const config::http_client_config& config,
                                                       file_system& fs, const clock& clk,
                                                       int64_t timeout_ms,
                                                       remote::write_protocol protocol) {
  while (server.ends_with('/'))
    server.pop_back();
  TROUPE_ASSIGN(auto settings, http::make_client_settings(config, {&fs, "troupe-bench"}));
  TROUPE_ASSIGN(auto write_to,
                http::make_endpoint(server + "/api/v1/write", settings,
                                    {{"Content-Type", std::string(content_type(protocol))},
                                     {"Content-Encoding", "snappy"},
                                     {"X-Prometheus-Remote-Write-Version",
                                      std::string(version_header(protocol))}}));
  http::fetcher_options options;
  options.budget = std::make_shared<http::byte_budget>(max_answer_bytes);
  auto fetcher = std::make_unique<http::routing_fetcher>(
      std::make_unique<http::asio_fetcher>(options, clk, nullptr),
      std::make_unique<http::curl_client>(http::curl_options{}, clk));
  return std::unique_ptr<api_client>(new api_client(
      std::move(server), std::move(write_to), std::move(settings), std::move(fetcher), timeout_ms));
}

void api_client::start(http::fetch_request r) {
  r.method = "POST";
  r.timeout_ms = timeout_ms_;
  r.max_body_bytes = max_answer_bytes;
  std::vector<http::fetch_request> batch;
  batch.push_back(std::move(r));
  fetcher_->fetch(std::move(batch), [this](std::vector<http::fetch_result> done) {
    std::lock_guard hold(lock_);
    for (auto& d : done) {
      if (d.error.ok() && d.code / 100 != 2)
        d.error = {errc::unavailable, server_text(d)};
      done_.push_back(std::move(d));
    }
    ready_.notify_one();
  });
}

void api_client::write(uint64_t token, std::string body) {
  http::fetch_request r;
  r.token = token;
  r.to = write_to_;
  r.body = std::move(body);
  start(std::move(r));
}

void api_client::post(uint64_t token, std::string_view path, const http::params& form) {
  http::fetch_request r;
  r.token = token;
  auto to = http::make_endpoint(server_ + std::string(path), settings_,
                                {{"Content-Type", "application/x-www-form-urlencoded"}});
  if (!to.ok()) {
    http::fetch_result failed;
    failed.token = token;
    failed.error = to.error();
    std::lock_guard hold(lock_);
    done_.push_back(std::move(failed));
    return;
  }
  r.to = std::move(*to);
  r.body = http::encode_form(form);
  start(std::move(r));
}

std::vector<http::fetch_result> api_client::answers(int64_t timeout_ms) {
  std::unique_lock hold(lock_);
  ready_.wait_for(hold, std::chrono::milliseconds(timeout_ms), [this] { return !done_.empty(); });
  return std::exchange(done_, {});
}

result<std::string> api_client::call(std::string_view path, const http::params& form) {
  post(0, path, form);
  std::vector<http::fetch_result> got;
  // The fetcher's own deadline ends the wait.
  while (got.empty())
    got = answers(timeout_ms_);
  if (!got[0].error.ok())
    return got[0].error.with_context(server_ + std::string(path));
  return std::move(got[0].body);
}

}  // namespace troupe::client
