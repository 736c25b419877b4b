#include "actors/commands/commands.h"
#include "actors/commands/query_output.h"
#include "config/load.h"
#include "pipeline/api/params.h"
#include "pipeline/http/asio_fetcher.h"
#include "pipeline/http/blocking_fetch.h"
#include "pipeline/http/curl_client.h"
#include "pipeline/http/endpoint.h"
#include "pipeline/http/url.h"
#include "storage/base/clock.h"

#include <fmt/format.h>

#include <ostream>

namespace troupe::actors {

namespace {

using config::query_command;

/// Path below the server's URL and the form to post; labels go as GET, which is all that label
/// values allow.
struct api_call {
  std::string path;
  http::params form;
  bool post = true;
};

result<api_call> call_of(const query_command& c, timestamp_ms now) {
  api_call a;
  auto seconds = [](timestamp_ms t) {
    return fmt::format("{:.3f}", static_cast<double>(t) / 1000);
  };
  switch (c.what) {
    case query_command::kind::instant:
      a.path = "/api/v1/query";
      a.form = {{"query", c.expr}, {"time", c.time.empty() ? seconds(now) : c.time}};
      break;
    case query_command::kind::range: {
      std::string start = c.start.empty() ? seconds(now - 3'600'000) : c.start;
      std::string end = c.end.empty() ? seconds(now) : c.end;
      std::string step = c.step;
      if (step.empty()) {
        TROUPE_ASSIGN(auto from, api::parse_time(start));
        TROUPE_ASSIGN(auto to, api::parse_time(end));
        step = fmt::format("{}", std::max<int64_t>((to - from) / 250'000, 1));
      }
      a.path = "/api/v1/query_range";
      a.form = {{"query", c.expr}, {"start", start}, {"end", end}, {"step", step}};
      break;
    }
    case query_command::kind::series:
      a.path = "/api/v1/series";
      break;
    case query_command::kind::labels:
      a.path = c.label.empty() ? "/api/v1/labels"
                               : "/api/v1/label/" + http::percent_encode(c.label) + "/values";
      a.post = c.label.empty();
      break;
  }
  if (c.what == query_command::kind::series || c.what == query_command::kind::labels) {
    for (const auto& m : c.matches)
      a.form.emplace_back("match[]", m);
    if (!c.start.empty())
      a.form.emplace_back("start", c.start);
    if (!c.end.empty())
      a.form.emplace_back("end", c.end);
  }
  return a;
}

std::string form_text(const http::params& form) {
  std::string out;
  for (const auto& [k, v] : form) {
    if (!out.empty())
      out += '&';
    out += http::percent_encode(k) + "=" + http::percent_encode(v);
  }
  return out;
}

result<std::string> fetch(const query_command& c, const api_call& call, file_system& fs,
                          const clock& clk) {
  config::http_client_config client;
  if (!c.http_config_file.empty()) {
    TROUPE_ASSIGN(client, config::load_http_client_config(fs, c.http_config_file));
  }
  TROUPE_ASSIGN(auto settings, http::make_client_settings(client, {&fs, "troupe"}));
  std::string url = c.server;
  while (url.ends_with('/'))
    url.pop_back();
  url += call.path;
  if (!call.post && !call.form.empty())
    url += "?" + form_text(call.form);
  TROUPE_ASSIGN(auto to, http::make_endpoint(url, settings));
  http::routing_fetcher fetcher(
      std::make_unique<http::asio_fetcher>(http::fetcher_options{}, clk, nullptr),
      std::make_unique<http::curl_client>(http::curl_options{}, clk));
  http::fetch_request r;
  r.to = to;
  r.method = call.post ? "POST" : "GET";
  if (call.post) {
    r.header_fields.push_back({"Content-Type", "application/x-www-form-urlencoded"});
    r.body = form_text(call.form);
  }
  r.timeout_ms = c.timeout_ms;
  r.max_body_bytes = 1ULL << 30;
  std::vector<http::fetch_request> one;
  one.push_back(std::move(r));
  auto got = std::move(http::fetch_and_wait(fetcher, std::move(one), nullptr).front());
  fetcher.stop();
  if (!got.error.ok())
    return got.error.with_context(url);
  if (got.code / 100 != 2 && !got.body.starts_with("{"))
    return {errc::unavailable, fmt::format("{}: server returned HTTP status {}", url, got.code)};
  return std::move(got.body);
}

}  // namespace

int run_query(const query_command& c, file_system& fs, std::ostream& out, std::ostream& err) {
  system_clock clk;
  auto call = call_of(c, clk.now_ms());
  if (!call.ok()) {
    err << "error: " << call.error().message() << "\n";
    return 1;
  }
  auto body = fetch(c, *call, fs, clk);
  if (!body.ok()) {
    err << "error: " << body.error().message() << "\n";
    return 1;
  }
  auto text =
      c.print == query_command::output::sparkline ? render_sparklines(*body) : render_table(*body);
  if (!text.ok()) {
    err << "error: " << text.error().message() << "\n";
    return 1;
  }
  if (c.print == query_command::output::json)
    out << *body << "\n";
  else
    out << *text;
  return 0;
}

}  // namespace troupe::actors
