#include "pipeline/client/api_client.h"

#include "pipeline/http/asio_fetcher.h"
#include "pipeline/http/curl_client.h"
#include "pipeline/http/url.h"
#include "pipeline/otlp/metrics_encoder.h"
#include "pipeline/remote/write_protocol.h"

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

http::headers headers_of(config::load_protocol p) {
  if (p == config::load_protocol::otlp)
    return {{"Content-Type", "application/x-protobuf"}, {"Content-Encoding", "gzip"}};
  const auto version = p == config::load_protocol::write_v1 ? remote::write_protocol::v1
                                                            : remote::write_protocol::v2;
  return {{"Content-Type", std::string(content_type(version))},
          {"Content-Encoding", "snappy"},
          {"X-Prometheus-Remote-Write-Version", std::string(version_header(version))}};
}

status refused_part(std::string_view otlp_answer) {
  TROUPE_ASSIGN(const auto r, otlp::read_protobuf_response(otlp_answer));
  if (r.points == 0)
    return {};
  return {errc::invalid_argument, std::to_string(r.points) + " points were refused: " + r.message};
}

}  // namespace

api_client::api_client(std::string server, config::load_protocol protocol,
                       http::endpoint_ptr write_to, http::client_settings_ptr settings,
                       std::unique_ptr<http::fetcher> fetcher, int64_t timeout_ms)
    : server_(std::move(server)),
      protocol_(protocol),
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
                                                       const write_route& writes) {
  while (server.ends_with('/'))
    server.pop_back();
  TROUPE_ASSIGN(auto settings, http::make_client_settings(config, {&fs, "troupe-bench"}));
  const auto protocol = writes.protocol;
  const std::string path = !writes.path.empty()                      ? writes.path
                           : protocol == config::load_protocol::otlp ? "/api/v1/otlp/v1/metrics"
                                                                     : "/api/v1/write";
  TROUPE_ASSIGN(auto write_to, http::make_endpoint(server + path, settings, headers_of(protocol)));
  http::fetcher_options options;
  options.budget = std::make_shared<http::byte_budget>(max_answer_bytes);
  auto fetcher = std::make_unique<http::routing_fetcher>(
      std::make_unique<http::asio_fetcher>(options, clk, nullptr),
      std::make_unique<http::curl_client>(http::curl_options{}, clk));
  return std::unique_ptr<api_client>(new api_client(std::move(server), protocol,
                                                    std::move(write_to), std::move(settings),
                                                    std::move(fetcher), timeout_ms));
}

void api_client::start(http::fetch_request r, bool otlp_answer) {
  r.timeout_ms = timeout_ms_;
  r.max_body_bytes = max_answer_bytes;
  std::vector<http::fetch_request> batch;
  batch.push_back(std::move(r));
  fetcher_->fetch(std::move(batch), [this, otlp_answer](std::vector<http::fetch_result> done) {
    std::lock_guard hold(lock_);
    for (auto& d : done) {
      if (d.error.ok() && d.code / 100 != 2)
        d.error = {errc::unavailable, server_text(d)};
      else if (d.error.ok() && otlp_answer)
        d.error = refused_part(d.body);
      done_.push_back(std::move(d));
    }
    ready_.notify_one();
  });
}

void api_client::write(uint64_t token, std::string body) {
  http::fetch_request r;
  r.token = token;
  r.method = "POST";
  r.to = write_to_;
  r.body = std::move(body);
  start(std::move(r), protocol_ == config::load_protocol::otlp);
}

void api_client::post(uint64_t token, std::string_view path, const http::params& form) {
  http::fetch_request r;
  r.token = token;
  r.method = "POST";
  auto to = http::make_endpoint(server_ + std::string(path), settings_,
                                {{"Content-Type", "application/x-www-form-urlencoded"}});
  if (!to.ok())
    return fail(token, to.error());
  r.to = std::move(*to);
  r.body = http::encode_form(form);
  start(std::move(r), false);
}

void api_client::get(uint64_t token, std::string_view path) {
  http::fetch_request r;
  r.token = token;
  auto to = http::make_endpoint(server_ + std::string(path), settings_, {});
  if (!to.ok())
    return fail(token, to.error());
  r.to = std::move(*to);
  start(std::move(r), false);
}

void api_client::fail(uint64_t token, status why) {
  http::fetch_result failed;
  failed.token = token;
  failed.error = std::move(why);
  const std::lock_guard hold(lock_);
  done_.push_back(std::move(failed));
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
