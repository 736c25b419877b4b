#include "pipeline/global/questions.h"

#include "pipeline/global/matching.h"
#include "pipeline/http/url.h"

#include <utility>

namespace troupe::global {
namespace {

http::params terms_of(const lookup& l) {
  http::params out{{"regions", "local"}, {"match[]", selector_text(l.ms)}};
  if (l.mint != min_time)
    out.emplace_back("start", seconds_text(l.mint));
  if (l.maxt != max_time)
    out.emplace_back("end", seconds_text(l.maxt));
  if (l.limit != 0)
    out.emplace_back("limit", std::to_string(l.limit));
  return out;
}

question form(std::string target, const http::params& params) {
  return {"POST",
          std::move(target),
          {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept-Encoding", "gzip"}},
          http::encode_form(params),
          false};
}

}  // namespace

question names_question(const lookup& l) {
  return form("/api/v1/labels", terms_of(l));
}

question values_question(std::string_view name, const lookup& l) {
  // Prometheus takes no POST here.
  return {
      "GET",
      "/api/v1/label/" + http::percent_encode(name) + "/values?" + http::encode_form(terms_of(l)),
      {{"Accept-Encoding", "gzip"}},
      ""};
}

question series_question(const lookup& l) {
  return form("/api/v1/series", terms_of(l));
}

question read_question(const remote::read_query& q,
                       const std::function<std::string(std::string_view)>& compress) {
  return {"POST",
          "/api/v1/read?regions=local&external_labels=false",
          {{"Content-Encoding", "snappy"},
           {"Accept-Encoding", "snappy"},
           {"Content-Type", "application/x-protobuf"},
           {"X-Prometheus-Remote-Read-Version", "0.1.0"}},
          compress(remote::encode_read_request(q)),
          true};
}

question config_question() {
  return {"GET", "/api/v1/status/config", {{"Accept-Encoding", "gzip"}}, "", false};
}

question value_question(const value_terms& t) {
  const auto ms_text = [](int64_t ms) { return std::to_string(ms) + "ms"; };
  http::params params{{"regions", "local"},
                      {"query", std::string(t.text)},
                      {"lookback_delta", ms_text(t.lookback_ms)},
                      {"timeout", ms_text(t.timeout_ms)}};
  if (t.step_ms == 0) {
    params.emplace_back("time", seconds_text(t.start));
    return form("/api/v1/query", params);
  }
  params.emplace_back("start", seconds_text(t.start));
  params.emplace_back("end", seconds_text(t.end));
  params.emplace_back("step", ms_text(t.step_ms));
  return form("/api/v1/query_range", params);
}

}  // namespace troupe::global
