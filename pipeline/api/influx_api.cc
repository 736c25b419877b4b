// InfluxDB's write API, versions 1 and 2, and the answers to what its agents ask before they write,
// as VictoriaMetrics gives them. 2xx only after the samples are on stable storage.
#include "pipeline/api/handlers.h"
#include "pipeline/api/params.h"
#include "pipeline/api/respond.h"
#include "pipeline/api/write_door.h"
#include "pipeline/influx/decode.h"

namespace troupe::api {

namespace {

constexpr std::string_view metric_prefix = "troupe_influx";
/// Agents choose by it what they send.
constexpr std::string_view influx_version = "1.8.0";

http::response with_version(http::response r) {
  r.header_fields.push_back({"X-Influxdb-Version", std::string(influx_version)});
  return r;
}

http::response json(std::string body) {
  return with_version({200, "application/json", {}, std::move(body)});
}

http::response answer_of(const write_door& door, const write_result& r) {
  if (!r.error.ok())
    return door.failed(r.error);
  auto text = refusal_text(r.stored, r.rest);
  // A 4xx tells the agent not to send the rest again.
  const int code = text.empty() ? 204 : 400;
  return with_version(door.plain(code, std::move(text)));
}

}  // namespace

void register_influx_counters(services& s) {
  s.influx_counters = write_door::make_counters(*s.metrics, metric_prefix, {"line"});
}

answer handle_influx_write(const services& s, const http::request& r, const inputs&) {
  const write_door door(s, &s.influx_counters, "/influx/write");
  const auto coding = http::parse_encoding(http::find_header(r.header_fields, "Content-Encoding"));
  if (!coding.ok())
    return door.undecoded(coding.error());
  influx::request of;
  of.db = r.param("db").value_or("");
  of.precision = r.param("precision").value_or("");
  auto labels = extra_label_params(r);
  if (!labels.ok())
    return door.unreadable(labels.error());
  of.extra_labels = std::move(*labels);
  of.now = s.clk->now_ms();
  auto body = door.decode(*coding, r.body);
  if (!body.ok())
    return door.undecoded(body.error());
  of.lines = body->data;
  auto decoded = influx::decode(of, s.influx, *s.known_series);
  if (!decoded.ok())
    return door.unreadable(decoded.error());
  door.count("line", *decoded);
  return door.store(std::move(*decoded), std::move(*body),
                    [door](const write_result& done) { return answer_of(door, done); });
}

answer handle_influx_query(const services& s, const http::request&, const inputs&) {
  std::string names;
  for (const auto& name : s.influx_databases) {
    names += names.empty() ? "[" : ",[";
    append_json_string(names, name);
    names += "]";
  }
  return json(
      R"({"results":[{"statement_id":0,"series":[{"name":"databases","columns":["name"],"values":[)" +
      names + "]}]}]}");
}

answer handle_influx_health(const services&, const http::request&, const inputs&) {
  return json(
      R"({"name":"influxdb", "message":"ready for queries and writes", "status":"pass", "checks":[]})");
}

}  // namespace troupe::api
