// /api/v1/status/*, and the rule and alert routes, which have nothing to show while no rules are
// evaluated.
#include "pipeline/api/handlers.h"
#include "pipeline/api/json_object.h"
#include "pipeline/api/params.h"
#include "pipeline/api/respond.h"
#include "pipeline/notify/alertmanagers_state.h"
#include "storage/base/civil_time.h"
#include "storage/base/duration.h"

#include <fmt/format.h>

namespace troupe::api {

namespace {

std::string entries_json(const std::vector<tsdb_entry>& entries) {
  return json_list(entries, [](const tsdb_entry& e) {
    return json_object().text("name", e.name).number("value", e.value).done();
  });
}

}  // namespace

answer handle_status_config(const services&, const http::request&, const inputs& in) {
  return success(json_object().text("yaml", in.config_yaml).done());
}

answer handle_status_flags(const services& s, const http::request&, const inputs&) {
  json_object o;
  for (const auto& [name, value] : s.flags)
    o.text(name, value);
  return success(o.done());
}

answer handle_buildinfo(const services& s, const http::request&, const inputs&) {
  const auto& b = s.build;
  return success(json_object()
                     .text("version", b.version)
                     .text("revision", b.revision)
                     .text("branch", b.branch)
                     .text("buildUser", b.build_user)
                     .text("buildDate", b.build_date)
                     .text("goVersion", b.compiler)
                     .text("application", "troupe")
                     .text("applicationVersion", b.product_version)
                     .done());
}

answer handle_runtimeinfo(const services& s, const http::request&, const inputs&) {
  auto [reload_ok, reload_time] = s.last_reload();
  auto tsdb = s.admin.tsdb(0);
  return success(json_object()
                     .text("startTime", format_rfc3339(s.start_time))
                     .text("CWD", s.working_directory)
                     .text("hostname", s.hostname)
                     .text("serverTime", format_rfc3339(s.clk->now_ms()))
                     .boolean("reloadConfigSuccess", reload_ok)
                     .text("lastConfigTime", format_rfc3339(reload_time))
                     .number("corruptionCount", 0)
                     .number("goroutineCount", 0)
                     .number("GOMAXPROCS", 0)
                     .number("GOMEMLIMIT", 0)
                     .text("GOGC", "")
                     .text("GODEBUG", "")
                     .text("storageRetention", s.storage_retention)
                     .number("headSeries", tsdb.series)
                     .done());
}

answer handle_tsdb(const services& s, const http::request& r, const inputs&) {
  auto limit = limit_param(r);
  if (!limit.ok())
    return bad_data(limit.error().message());
  auto t = s.admin.tsdb(*limit ? *limit : 10);
  std::string head = json_object()
                         .number("numSeries", t.series)
                         .number("numLabelPairs", t.label_pairs)
                         .number("chunkCount", t.chunks)
                         .number("minTime", t.min_time)
                         .number("maxTime", t.max_time)
                         .done();
  return success(json_object()
                     .raw("headStats", head)
                     .raw("seriesCountByMetricName", entries_json(t.series_by_metric))
                     .raw("labelValueCountByLabelName", entries_json(t.values_by_label))
                     .raw("memoryInBytesByLabelName", entries_json(t.memory_by_label))
                     .raw("seriesCountByLabelValuePair", entries_json(t.series_by_pair))
                     .done());
}

answer handle_blocks(const services& s, const http::request&, const inputs&) {
  std::string blocks = "[";
  for (const auto& b : s.admin.blocks()) {
    if (blocks.size() > 1)
      blocks.push_back(',');
    std::string stats =
        json_object().number("numSamples", b.samples).number("numSeries", b.series).done();
    std::string compaction = json_object().number("level", b.level).done();
    blocks += json_object()
                  .text("ulid", b.id)
                  .number("minTime", b.min_time)
                  .number("maxTime", b.max_time)
                  .raw("stats", stats)
                  .raw("compaction", compaction)
                  .number("version", 1)
                  .number("bytes", b.bytes)
                  .boolean("quarantined", b.quarantined)
                  .text("reason", b.reason)
                  .done();
  }
  return success(json_object().raw("blocks", blocks + "]").done());
}

answer handle_walreplay(const services& s, const http::request&, const inputs&) {
  auto p = s.admin.replay();
  return success(json_object()
                     .number("min", p.min)
                     .number("max", p.max)
                     .number("current", p.current)
                     .text("state", p.done ? "done" : "in progress")
                     .done());
}

answer handle_damage(const services& s, const http::request&, const inputs&) {
  const damage_report report = s.admin.damage();
  std::string quarantined = "[", places = "[";
  for (const auto& item : report.quarantined) {
    if (quarantined.size() > 1)
      quarantined.push_back(',');
    json_object o;
    o.text("path", item.path).text("reason", item.reason).number("bytes", item.bytes);
    if (item.time_ms != 0)
      o.text("time", format_rfc3339(item.time_ms));
    quarantined += o.done();
  }
  for (const auto& place : report.places) {
    if (places.size() > 1)
      places.push_back(',');
    places += json_object()
                  .text("file", place.file)
                  .text("reason", place.reason)
                  .number("offset", place.offset)
                  .number("bytes", place.bytes)
                  .done();
  }
  json_object counts;
  for (const auto& [kind, count] : report.counts)
    counts.number(kind, count);
  return success(json_object()
                     .raw("quarantined", quarantined + "]")
                     .raw("counts", counts.done())
                     .raw("places", places + "]")
                     .done());
}

answer handle_alertmanagers(const services& s, const http::request&, const inputs&) {
  const auto state = s.alertmanagers ? s.alertmanagers() : nullptr;
  const auto list = [](const std::vector<std::string>& urls) {
    std::string out = "[";
    for (const auto& url : urls) {
      out += out.size() > 1 ? "," : "";
      out += json_object().text("url", url).done();
    }
    return out + "]";
  };
  const notify::alertmanagers_state none;
  const auto& known = state ? *state : none;
  return success(json_object()
                     .raw("activeAlertmanagers", list(known.active))
                     .raw("droppedAlertmanagers", list(known.dropped))
                     .done());
}

}  // namespace troupe::api
