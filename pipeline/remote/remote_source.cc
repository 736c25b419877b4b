#include "pipeline/remote/remote_source.h"

#include "config/text.h"
#include "pipeline/remote/read_answer.h"

#include <fmt/format.h>

#include <algorithm>

namespace troupe::remote {
namespace {

constexpr std::string_view samples_type = "application/x-protobuf";
/// Of one answer, decompressed: samples are decoded series by series when they are read.
constexpr uint64_t max_answer_bytes = 256ULL << 20;
constexpr size_t max_shown_body = 256;

}  // namespace

result<std::shared_ptr<const remote_source>> remote_source::create(
    const config::remote_read_config& from, const config::global_config& global,
    const read_endpoint_factory& endpoints, registry& metrics) {
  auto out = std::shared_ptr<remote_source>(new remote_source());
  out->config_ = from;
  out->shown_url_ = config::mask_url(from.url);
  http::headers fixed = {{"Content-Encoding", "snappy"},
                         {"Accept-Encoding", "snappy"},
                         {"Content-Type", std::string(samples_type)},
                         {"X-Prometheus-Remote-Read-Version", "0.1.0"}};
  for (const auto& [name, value] : from.headers)
    fixed.push_back({name, value});
  TROUPE_ASSIGN(out->to_, endpoints(from.url, from.client, std::move(fixed)));
  if (from.filter_external_labels)
    out->external_.assign(global.external_labels.begin(), global.external_labels.end());
  const auto counted = [&](const char* outcome) {
    return &metrics.get_counter(
        "troupe_remote_read_queries_total", "Queries sent to other servers by remote read.",
        {{"remote", from.name.empty() ? out->shown_url_ : from.name}, {"outcome", outcome}});
  };
  out->succeeded_ = counted("succeeded");
  out->failed_ = counted("failed");
  return std::shared_ptr<const remote_source>(std::move(out));
}

bool remote_source::is_asked(const matchers& ms, const std::string& name) const {
  return std::any_of(ms.begin(), ms.end(), [&](const matcher& m) { return m.name() == name; });
}

std::optional<http::fetch_request> remote_source::request_for(read_query q,
                                                              timestamp_ms local_start) const {
  for (const auto& [name, value] : config_.required_matchers)
    if (std::find(q.ms.begin(), q.ms.end(), matcher::equal(name, value)) == q.ms.end())
      return std::nullopt;
  if (!config_.read_recent) {
    if (q.start > local_start)
      return std::nullopt;
    q.end = std::min(q.end, local_start);
  }
  const matchers own = q.ms;
  for (const auto& [name, value] : external_)
    if (!is_asked(own, name))
      q.ms.push_back(matcher::equal(name, value));
  http::fetch_request out;
  out.to = to_;
  out.method = "POST";
  out.body = encode_read_request(q);
  out.timeout_ms = config_.remote_timeout_ms;
  out.max_body_bytes = max_answer_bytes;
  return out;
}

result<std::unique_ptr<storage::series_set>> remote_source::read(http::fetch_result&& answer,
                                                                 const matchers& asked,
                                                                 timestamp_ms mint,
                                                                 timestamp_ms maxt) const {
  auto out = read_body(std::move(answer), asked, mint, maxt);
  (out.ok() ? succeeded_ : failed_)->add();
  return out;
}

result<std::unique_ptr<storage::series_set>> remote_source::read_body(http::fetch_result&& answer,
                                                                      const matchers& asked,
                                                                      timestamp_ms mint,
                                                                      timestamp_ms maxt) const {
  if (!answer.error.ok())
    return answer.error.with_context("error sending request to " + shown_url_);
  if (answer.code / 100 != 2) {
    if (answer.body.ends_with('\n'))
      answer.body.pop_back();
    return {errc::unavailable,
            fmt::format("remote server {} returned http status {}: {}", shown_url_, answer.code,
                        answer.body.substr(0, max_shown_body))};
  }
  return read_answer(std::move(answer), shown_url_, mint, maxt, config_.chunked_read_limit,
                     [&](labels_builder& series) {
                       for (const auto& [name, value] : external_)
                         if (!is_asked(asked, name))
                           series.del(name);
                       return true;
                     });
}

}  // namespace troupe::remote
