#include "actors/commands/commands.h"
#include "actors/commands/replay_output.h"
#include "actors/commands/stop_signals.h"
#include "config/load.h"
#include "config/text.h"
#include "pipeline/api/params.h"
#include "pipeline/http/asio_fetcher.h"
#include "pipeline/http/blocking_fetch.h"
#include "pipeline/http/curl_client.h"
#include "pipeline/http/endpoint.h"
#include "pipeline/kafka/rd_cluster.h"
#include "query/parser/parser.h"
#include "storage/base/clock.h"

#include <unistd.h>

#include <chrono>
#include <ostream>
#include <thread>

namespace troupe::actors {

namespace {

/// A receiver of remote write.
class receiver {
 public:
  static result<std::unique_ptr<receiver>> make(const config::replay_command& c, file_system& fs,
                                                const clock& clk) {
    config::http_client_config client;
    if (!c.http_config_file.empty()) {
      TROUPE_ASSIGN(client, config::load_http_client_config(fs, c.http_config_file));
    }
    TROUPE_ASSIGN(auto settings, http::make_client_settings(client, {&fs, "troupe-replay"}));
    auto out = std::unique_ptr<receiver>(new receiver(c.timeout_ms, clk));
    for (const auto p : {remote::write_protocol::v1, remote::write_protocol::v2}) {
      const http::headers fields = {
          {"Content-Type", std::string(content_type(p))},
          {"Content-Encoding", "snappy"},
          {"X-Prometheus-Remote-Write-Version", std::string(version_header(p))}};
      auto& to = p == remote::write_protocol::v1 ? out->v1_ : out->v2_;
      TROUPE_ASSIGN(to, http::make_endpoint(c.write_url, settings, fields));
    }
    return out;
  }
  ~receiver() { fetcher_.stop(); }

  http::fetch_result write(remote::write_protocol protocol, const std::string& body) {
    http::fetch_request r;
    r.to = protocol == remote::write_protocol::v1 ? v1_ : v2_;
    r.method = "POST";
    r.body = body;
    r.timeout_ms = timeout_ms_;
    r.max_body_bytes = 1u << 20;
    r.want_headers = true;
    std::vector<http::fetch_request> one;
    one.push_back(std::move(r));
    return std::move(http::fetch_and_wait(fetcher_, std::move(one), &stop_wanted()).front());
  }

 private:
  receiver(int64_t timeout_ms, const clock& clk)
      : timeout_ms_(timeout_ms),
        fetcher_(std::make_unique<http::asio_fetcher>(http::fetcher_options{}, clk, nullptr),
                 std::make_unique<http::curl_client>(http::curl_options{}, clk)) {}

  const int64_t timeout_ms_;
  http::endpoint_ptr v1_, v2_;
  http::routing_fetcher fetcher_;
};

result<replay::replay_options> options_of(const config::replay_command& c, file_system& fs) {
  replay::replay_options o;
  o.cluster = c.cluster;
  if (!c.kafka_file.empty()) {
    TROUPE_ASSIGN(o.cluster, config::load_kafka_config(fs, c.kafka_file));
  }
  auto& subject = o.subject;
  subject = {c.topic, {}, c.matches, c.labels, config::mask_url(c.write_url)};
  const auto read_time = [](const std::string& text, const char* flag, timestamp_ms& to) -> status {
    if (text.empty())
      return {};
    const auto t = api::parse_time(text);
    if (!t.ok())
      return t.error().with_context(flag);
    to = *t;
    return {};
  };
  TROUPE_TRY(read_time(c.from, "--from", subject.window.from));
  TROUPE_TRY(read_time(c.to, "--to", subject.window.to));
  if (subject.window.to <= subject.window.from)
    return {errc::invalid_argument, "--to must be behind --from"};
  for (const auto& text : c.matches) {
    auto ms = query::parse_metric_selector(text);
    if (!ms.ok())
      return ms.error().with_context("--match");
    o.rules.selectors.push_back(std::move(*ms));
  }
  o.rules.labels = c.labels;
  o.slack_ms = c.slack_ms;
  o.dry_run = c.dry_run;
  o.sender.rate = c.rate;
  return o;
}

result<replay::replay_report> replay_from(const config::replay_command& c, file_system& fs,
                                          std::ostream& err) {
  const system_clock clk;
  TROUPE_ASSIGN(const auto options, options_of(c, fs));
  std::unique_ptr<receiver> to;
  if (!c.dry_run) {
    TROUPE_ASSIGN(to, receiver::make(c, fs, clk));
  }
  replay::state_file state(fs, c.state_file);
  replay::places done;
  if (!c.state_file.empty()) {
    TROUPE_ASSIGN(done, state.load(options.subject));
  }
  end_on_signals();
  const auto cluster = kafka::make_rd_connector(clk, fs);
  client::progress shown(isatty(STDERR_FILENO) != 0 ? &err : nullptr, clk, "records");
  std::function<status(const replay::places&)> keep;
  if (!c.state_file.empty() && !c.dry_run)
    keep = [&](const replay::places& at) { return state.store({options.subject, at}); };
  return replay::replay_topic(
      options,
      {*cluster,
       [&](remote::write_protocol p, const std::string& body) { return to->write(p, body); }, clk,
       [](int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); },
       [] { return stop_wanted().load(); }, keep, shown},
      std::move(done));
}

}  // namespace

int run_replay(const config::replay_command& c, file_system& fs, std::ostream& out,
               std::ostream& err) {
  const auto report = replay_from(c, fs, err);
  if (!report.ok()) {
    err << "error: " << report.error().message() << "\n";
    return 1;
  }
  out << (c.json ? as_figures(*report, c.dry_run).json() + "\n" : as_text(*report, c.dry_run));
  if (!report->failed.ok()) {
    err << "error: " << report->failed.message();
    if (!c.state_file.empty() && !c.dry_run && !report->partitions.empty())
      err << "; the same command goes on from here";
    err << "\n";
  }
  return report->is_whole() ? 0 : 1;
}

}  // namespace troupe::actors
