// GET /api/v1/status/global_view: the regions that queries are answered with, and how they are.
#include "pipeline/api/handlers.h"
#include "pipeline/api/json_object.h"
#include "pipeline/global/global_view.h"
#include "storage/base/civil_time.h"

namespace troupe::api {

namespace {

std::string region_json(const global::region_state& r) {
  json_object o;
  o.text("name", r.name).raw("urls", json_array(r.urls)).text("state", r.state);
  const auto time = [&](std::string_view key, timestamp_ms at) {
    if (at == 0)
      o.raw(key, "null");
    else
      o.text(key, format_rfc3339(at));
  };
  time("lastAnswer", r.last_answer_ms);
  o.number("inFlight", r.in_flight).number("waiting", r.waiting).text("lastError", r.last_error);
  time("lastErrorTime", r.last_error_ms);
  return o.done();
}

}  // namespace

answer handle_global_view(const services& s, const http::request&, const inputs&) {
  const auto all = s.global_view ? s.global_view->states() : std::vector<global::region_state>();
  return success(json_list(all, region_json));
}

}  // namespace troupe::api
