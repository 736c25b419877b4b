// /-/healthy, /-/ready, /metrics, /version.
#include "pipeline/api/buffer_state.h"
#include "pipeline/api/handlers.h"
#include "pipeline/api/respond.h"

namespace troupe::api {

namespace {

http::response plain(int code, std::string body) {
  return {code, "text/plain; charset=utf-8", {}, std::move(body)};
}

}  // namespace

answer handle_healthy(const services&, const http::request&, const inputs&) {
  return plain(200, "Prometheus Server is Healthy.\n");
}

// A node whose buffer is in trouble is ready all the same: it goes on taking samples.
answer handle_ready(const services& s, const http::request& r, const inputs&) {
  const auto why = s.not_ready();
  auto out = why.empty() ? plain(200, "Prometheus Server is Ready.\n")
                         : plain(503, "Service Unavailable: " + why + "\n");
  const auto buffer = s.topics ? buffer_state_of(*s.topics) : buffer_state();
  if (!buffer.summary.empty())
    out.header_fields.emplace_back("X-Troupe-Buffer", buffer.summary);
  if (r.param("verbose"))
    out.body += buffer.lines;
  return out;
}

answer handle_metrics(const services& s, const http::request&, const inputs&) {
  return http::response{200, "text/plain; version=0.0.4; charset=utf-8", {}, s.metrics->render()};
}

answer handle_version(const services& s, const http::request&, const inputs&) {
  std::string body = "{\"version\":";
  append_json_string(body, s.build.version);
  body += ",\"application\":\"troupe\",\"applicationVersion\":";
  append_json_string(body, s.build.product_version);
  return http::response{200, "application/json", {}, body + "}"};
}

}  // namespace troupe::api
