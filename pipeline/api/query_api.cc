// /api/v1/query, query_range, query_exemplars, format_query, parse_query.
#include "config/config.h"
#include "pipeline/api/event_lines.h"
#include "pipeline/api/handlers.h"
#include "pipeline/api/params.h"
#include "pipeline/api/query_source.h"
#include "pipeline/api/respond.h"
#include "query/engine/engine.h"
#include "query/parser/parser.h"
#include "query/parser/printer.h"
#include "query/parser/selectors.h"
#include "query/result_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace troupe::api {

namespace {

constexpr int64_t max_points = 11'000;

result<query::query_overrides> overrides_of(const services& s, const http::request& r,
                                            const inputs& in) {
  query::query_overrides o;
  if (in.config)
    o.default_subquery_step_ms = in.config->global.evaluation_interval_ms;
  o.cancel = r.gone.get();
  if (auto text = r.param("timeout"); text && !text->empty()) {
    auto d = parse_duration_param(*text);
    if (!d.ok())
      return d.error().with_context("invalid parameter \"timeout\"");
    o.timeout_ms = std::clamp<int64_t>(*d, 1, s.query_timeout_ms);
  }
  if (auto text = r.param("lookback_delta"); text && !text->empty()) {
    auto d = parse_duration_param(*text);
    if (!d.ok())
      return d.error().with_context("error parsing lookback delta duration");
    o.lookback_ms = *d;
  }
  o.per_step_stats = r.param("stats").value_or("") == "all";
  return o;
}

http::response query_failure(const status& s) {
  switch (query::classify(s)) {
    case query::query_error::bad_data:
      return bad_data("invalid parameter \"query\": " + std::string(s.message()));
    case query::query_error::execution:
      return error_response(422, "execution", s.message());
    case query::query_error::timeout:
      return error_response(503, "timeout", s.message());
    case query::query_error::canceled:
      return error_response(499, "canceled", s.message());
    case query::query_error::unavailable:
      return overloaded(s.message());
    default:
      return error_response(500, "internal", s.message());
  }
}

/// Cuts a vector or matrix to `limit` elements, as Prometheus does, with its warning.
void apply_limit(query::query_result& q, size_t limit) {
  if (limit == 0)
    return;
  auto cut = [&](auto& v) {
    if (v.size() <= limit)
      return;
    v.resize(limit);
    q.warnings.push_back("results truncated due to limit");
  };
  if (auto* v = std::get_if<query::vector_value>(&q.value))
    cut(*v);
  else if (auto* m = std::get_if<query::matrix_value>(&q.value))
    cut(*m);
}

/// What a query was, for the query log; instant if step_ms is 0.
struct query_call {
  std::string_view text;
  timestamp_ms start, end;
  int64_t step_ms;
};

/// Writes the query log's line. A query that does not parse was never run.
void log_query(const services& s, const inputs& in, const http::request& r, const query_call& c,
               const result<query::query_result>& got, int64_t began_ns) {
  if (!s.log_line || !in.config || in.config->global.query_log_file.empty())
    return;
  query_event e{s.clk->now_ms(),
                c.text,
                c.start,
                c.end,
                c.step_ms,
                {},
                {},
                r.remote_address,
                r.method,
                (s.route_prefix == "/" ? "" : s.route_prefix) + r.path};
  if (got.ok()) {
    e.stats = got->stats;
  } else {
    if (query::classify(got.error()) == query::query_error::bad_data)
      return;
    e.error = got.error().message();
    e.stats.eval_ns = s.clk->monotonic_ns() - began_ns;
  }
  s.log_line(in.config->global.query_log_file, query_line(e));
}

http::response render(const http::request& r, result<query::query_result> q, size_t limit) {
  if (!q.ok())
    return query_failure(q.error());
  apply_limit(*q, limit);
  std::string data;
  query::append_result_json(data, q->value);
  auto stats = r.param("stats").value_or("");
  if (!stats.empty()) {
    data.pop_back();
    data += ",\"stats\":" + stats_json(q->stats) + "}";
  }
  return success(std::move(data), q->warnings, q->infos);
}

}  // namespace

answer handle_query(const services& s, const http::request& r, const inputs& in) {
  auto limit = limit_param(r);
  if (!limit.ok())
    return bad_data(limit.error().message());
  auto ts = time_param(r, "time", s.clk->now_ms());
  if (!ts.ok())
    return bad_data(ts.error().message());
  auto overrides = overrides_of(s, r, in);
  if (!overrides.ok())
    return bad_data(overrides.error().message());
  auto text = r.param("query").value_or("");
  const int64_t began_ns = s.clk->monotonic_ns();
  const auto source = query_source::of(s, r, overrides->timeout_ms);
  if (!source.ok())
    return bad_data(source.error().message());
  overrides->parts = source->parts();
  auto got = s.engine->instant(**source, "", text, *ts, *overrides);
  log_query(s, in, r, {text, *ts, *ts, 0}, got, began_ns);
  if (got.ok())
    source->tell(s, text, *ts, *got);
  return render(r, std::move(got), *limit);
}

answer handle_query_range(const services& s, const http::request& r, const inputs& in) {
  auto limit = limit_param(r);
  if (!limit.ok())
    return bad_data(limit.error().message());
  auto required = [&](std::string_view name) -> result<timestamp_ms> {
    auto t = parse_time(r.param(name).value_or(""));
    if (!t.ok())
      return t.error().with_context(fmt::format("invalid parameter \"{}\"", name));
    return t;
  };
  auto start = required("start");
  if (!start.ok())
    return bad_data(start.error().message());
  auto end = required("end");
  if (!end.ok())
    return bad_data(end.error().message());
  if (*end < *start)
    return bad_data("invalid parameter \"end\": end timestamp must not be before start time");
  auto step = parse_duration_param(r.param("step").value_or(""));
  if (!step.ok())
    return bad_data(step.error().with_context("invalid parameter \"step\"").message());
  if (*step <= 0)
    return bad_data(
        "invalid parameter \"step\": zero or negative query resolution step widths are not "
        "accepted. Try a positive "
        "integer");
  if (static_cast<__int128>(*end) - *start > static_cast<__int128>(*step) * max_points)
    return bad_data(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
        "resolution "
        "(?step=XX)");
  auto overrides = overrides_of(s, r, in);
  if (!overrides.ok())
    return bad_data(overrides.error().message());
  auto text = r.param("query").value_or("");
  const int64_t began_ns = s.clk->monotonic_ns();
  const auto source = query_source::of(s, r, overrides->timeout_ms);
  if (!source.ok())
    return bad_data(source.error().message());
  overrides->parts = source->parts();
  auto got = s.engine->range(**source, "", text, *start, *end, *step, *overrides);
  log_query(s, in, r, {text, *start, *end, *step}, got, began_ns);
  if (got.ok())
    source->tell(s, text, *end, *got);
  return render(r, std::move(got), *limit);
}

answer handle_query_exemplars(const services& s, const http::request& r, const inputs&) {
  auto start = time_param(r, "start", min_time);
  if (!start.ok())
    return bad_data(start.error().message());
  auto end = time_param(r, "end", max_time);
  if (!end.ok())
    return bad_data(end.error().message());
  if (*end < *start)
    return bad_data("end timestamp must not be before start timestamp");
  auto parsed = query::parse(r.param("query").value_or(""), s.engine->options().parse);
  if (!parsed.ok())
    return bad_data(parsed.error().message());
  std::vector<matchers> selectors;
  for (const auto* selector : query::selectors_in(**parsed))
    selectors.push_back(selector->match);
  if (selectors.empty())
    return success("[]");
  auto found = s.data->exemplars("", *start, *end, selectors);
  if (!found.ok())
    return failure(found.error());
  std::string data = "[";
  for (const auto& series : *found) {
    data += data.size() > 1 ? ",{\"seriesLabels\":" : "{\"seriesLabels\":";
    query::append_labels_json(data, series.series);
    data += ",\"exemplars\":[";
    for (size_t i = 0; i < series.exemplars.size(); ++i) {
      const auto& e = series.exemplars[i];
      data += i ? ",{\"labels\":" : "{\"labels\":";
      query::append_labels_json(data, e.lset);
      data += ",\"value\":";
      query::append_value_json(data, e.value);
      data += ",\"timestamp\":";
      query::append_timestamp_json(data, e.ts);
      data += "}";
    }
    data += "]}";
  }
  return success(data + "]");
}

answer handle_format_query(const services& s, const http::request& r, const inputs&) {
  auto parsed = query::parse(r.param("query").value_or(""), s.engine->options().parse);
  if (!parsed.ok())
    return bad_data("invalid parameter \"query\": " + std::string(parsed.error().message()));
  std::string data;
  append_json_string(data, query::prettify(**parsed));
  return success(std::move(data));
}

answer handle_parse_query(const services& s, const http::request& r, const inputs&) {
  auto parsed = query::parse(r.param("query").value_or(""), s.engine->options().parse);
  if (!parsed.ok())
    return bad_data("invalid parameter \"query\": " + std::string(parsed.error().message()));
  std::string data;
  query::append_json(data, **parsed);
  return success(std::move(data));
}

}  // namespace troupe::api
