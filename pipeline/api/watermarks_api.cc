// GET /api/v1/status/watermarks: until when the data of other nodes and regions are here; and the
// warnings of queries that ask for later ones.
#include "pipeline/api/handlers.h"
#include "pipeline/api/json_object.h"
#include "pipeline/global/matching.h"
#include "pipeline/ingest/watermarks.h"
#include "query/engine/engine.h"
#include "query/parser/parser.h"
#include "query/parser/selectors.h"
#include "query/result_json.h"
#include "storage/base/civil_time.h"

namespace troupe::api {

void add_lag_warnings(const services& s, std::string_view query_text, timestamp_ms end,
                      std::span<const std::string> answered_elsewhere, query::query_result& q) {
  const int64_t now_ms = s.clk->now_ms();
  if (!s.watermarks || !s.watermarks->any_behind(end, now_ms))
    return;
  const auto parsed = query::parse(query_text, s.engine->options().parse);
  if (!parsed.ok())
    return;
  std::vector<matchers> selectors;
  for (const auto* selector : query::selectors_in(**parsed))
    selectors.push_back(global::without_regions(selector->match, answered_elsewhere));
  for (auto& text : s.watermarks->warnings(selectors, end, now_ms))
    q.warnings.push_back(std::move(text));
}

answer handle_watermarks(const services& s, const http::request&, const inputs&) {
  const int64_t now_ms = s.clk->now_ms();
  const auto all = s.watermarks ? s.watermarks->list() : std::vector<ingest::watermark>();
  return success(json_list(all, [&](const ingest::watermark& w) {
    std::string adds;
    query::append_labels_json(adds, w.adds);
    json_object o;
    o.text("stage", w.stage).text("name", w.name).raw("labels", adds);
    if (w.complete_until == min_time)
      o.raw("completeUntil", "null").raw("lagSeconds", "null");
    else
      o.text("completeUntil", format_rfc3339(w.complete_until))
          .number("lagSeconds", static_cast<double>(now_ms - w.complete_until) / 1000);
    return o.done();
  }));
}

}  // namespace troupe::api
