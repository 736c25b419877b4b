// /api/v1/rules and /api/v1/alerts, with Prometheus' filters and pages.
#include "pipeline/api/handlers.h"
#include "pipeline/api/json_object.h"
#include "pipeline/api/params.h"
#include "pipeline/api/respond.h"
#include "pipeline/rules/rule_board.h"
#include "query/parser/json_fields.h"
#include "query/parser/number_text.h"
#include "storage/base/civil_time.h"
#include "storage/base/hash.h"
#include "storage/base/quote.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace troupe::api {
namespace {

using query::append_json_pairs;
using query::append_json_text;
using rules::group_view_ptr;

constexpr std::string_view no_time = "0001-01-01T00:00:00Z";

/// What is asked for; invalid_argument names the parameter.
struct rules_request {
  std::set<std::string_view> names, groups, files;
  std::vector<matchers> selectors;
  bool alerting = true, recording = true, with_alerts = true;
  uint64_t max_groups = 0;  ///< 0: all
  std::string_view token;
};

status invalid(std::string_view name, std::string_view why) {
  return {errc::invalid_argument, fmt::format("invalid parameter \"{}\": {}", name, why)};
}

std::set<std::string_view> set_of(const http::request& r, std::string_view name) {
  const auto all = r.params_of(name);
  return {all.begin(), all.end()};
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  return out;
}

result<bool> parse_flag(std::string_view text) {
  const auto t = lower(text);
  if (t == "1" || t == "t" || t == "true")
    return true;
  if (t.empty() || t == "0" || t == "f" || t == "false")
    return false;
  return {errc::invalid_argument, "error converting exclude_alerts: strconv.ParseBool: parsing " +
                                      quoted(t) + ": invalid syntax"};
}

result<rules_request> parse_request(const http::request& r) {
  rules_request out;
  out.names = set_of(r, "rule_name[]");
  out.groups = set_of(r, "rule_group[]");
  out.files = set_of(r, "file[]");
  TROUPE_ASSIGN(out.selectors, selector_params(r));
  const auto type = lower(r.param("type").value_or(""));
  if (!type.empty() && type != "alert" && type != "record")
    return invalid("type", "not supported value " + quoted(type));
  out.alerting = type != "record";
  out.recording = type != "alert";
  const auto exclude = parse_flag(r.param("exclude_alerts").value_or(""));
  if (!exclude.ok())
    return invalid("exclude_alerts", exclude.error().message());
  out.with_alerts = !*exclude;
  const auto limit = r.param("group_limit").value_or("");
  out.token = r.param("group_next_token").value_or("");
  if (!out.token.empty() && limit.empty())
    return invalid("group_next_token",
                   "group_limit needs to be present in order to paginate over the groups");
  if (limit.empty())
    return out;
  int32_t n = 0;
  const auto parsed = std::from_chars(limit.data(), limit.data() + limit.size(), n);
  if (parsed.ec != std::errc() || parsed.ptr != limit.data() + limit.size())
    return invalid("group_limit", "group_limit needs to be a valid number: " + quoted(limit));
  if (n <= 0)
    return invalid("group_limit", "group_limit needs to be greater than 0");
  out.max_groups = static_cast<uint64_t>(n);
  return out;
}

std::string token_of(const rules::group_definition& g) {
  const auto h = xxh3_128(rules::group_key(g.file, g.name));
  return fmt::format("{:016x}{:016x}", h.high, h.low);
}

std::string time_text(timestamp_ms t) {
  return t == 0 ? std::string(no_time) : format_rfc3339(t);
}

std::string seconds(int64_t n, double per_second) {
  return query::shortest(static_cast<double>(n) / per_second);
}

// As Go's strconv.FormatFloat(v, 'e', -1, 64).
std::string exponent_text(double v) {
  if (std::isnan(v))
    return "NaN";
  if (std::isinf(v))
    return v < 0 ? "-Inf" : "+Inf";
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, v, std::chars_format::scientific).ptr;
  return {text, end};
}

void append_alert(std::string& out, const rules::alert& a) {
  out += '{';
  append_json_pairs(out, "labels", a.lset);
  out += ',';
  append_json_pairs(out, "annotations", a.annotations);
  out += ',';
  append_json_text(out, "state", rules::to_string(a.state));
  out += ',';
  append_json_text(out, "activeAt", format_rfc3339(a.active_at));
  if (a.keep_firing_since) {
    out += ',';
    append_json_text(out, "keepFiringSince", format_rfc3339(*a.keep_firing_since));
  }
  out += ',';
  append_json_text(out, "value", exponent_text(a.value));
  // Began while nobody was told: evaluated after its time.
  out += a.from_catch_up ? ",\"catchUp\":true}" : "}";
}

void append_alerts(std::string& out, const std::vector<rules::alert>& alerts) {
  for (size_t i = 0; i < alerts.size(); ++i) {
    if (i != 0)
      out += ',';
    append_alert(out, alerts[i]);
  }
}

void append_rule(std::string& out, const rules::rule_definition& d, const rules::rule_view& v,
                 bool with_alerts) {
  out += '{';
  if (d.alerting) {
    append_json_text(out, "state", rules::to_string(v.state));
    out += ',';
  }
  append_json_text(out, "name", d.name);
  out += ',';
  append_json_text(out, "query", d.expr);
  out += ',';
  if (d.alerting)
    out += fmt::format("\"duration\":{},\"keepFiringFor\":{},", seconds(d.for_ms, 1e3),
                       seconds(d.keep_firing_for_ms, 1e3));
  append_json_pairs(out, "labels", d.labels);
  out += ',';
  if (d.alerting) {
    append_json_pairs(out, "annotations", d.annotations);
    out += ",\"alerts\":";
    out += with_alerts ? "[" : "null,";
    if (with_alerts) {
      append_alerts(out, v.alerts);
      out += "],";
    }
  }
  append_json_text(out, "health", rules::to_string(v.status.health));
  out += ',';
  if (!v.status.last_error.empty()) {
    append_json_text(out, "lastError", v.status.last_error);
    out += ',';
  }
  out += "\"evaluationTime\":" + seconds(v.status.duration_ns, 1e9) + ",";
  append_json_text(out, "lastEvaluation", time_text(v.status.last_evaluation));
  out += d.alerting ? ",\"type\":\"alerting\"}" : ",\"type\":\"recording\"}";
}

bool selects(const rules_request& q, const rules::rule_definition& d) {
  if (!(d.alerting ? q.alerting : q.recording))
    return false;
  if (!q.names.empty() && !q.names.contains(d.name))
    return false;
  if (q.selectors.empty())
    return true;
  labels_builder b;
  for (const auto& [name, value] : d.labels)
    b.set(name, value);
  const labels lset = b.build();
  return std::any_of(q.selectors.begin(), q.selectors.end(),
                     [&](const matchers& ms) { return matches_all(ms, lset); });
}

// What Prometheus does not know stands behind its fields, and only if there is something to tell.
void append_incomplete(std::string& out, const rules::incomplete_evaluations& i) {
  if (i.count == 0)
    return;
  const auto source = [](const rules::missing_source& s) {
    json_object o;
    o.text("name", s.name);
    if (s.complete_until == min_time)
      o.raw("completeUntil", "null");
    else
      o.text("completeUntil", format_rfc3339(s.complete_until));
    return o.done();
  };
  out += ",\"incomplete\":" + json_object()
                                  .number("evaluations", i.count)
                                  .text("lastTimestamp", format_rfc3339(i.last_instant))
                                  .raw("sources", json_list(i.sources, source))
                                  .done();
}

/// Empty if no rule of the group is asked for.
std::string group_json(const rules_request& q, const rules::group_view& g) {
  const auto& d = *g.definition;
  if ((!q.groups.empty() && !q.groups.contains(d.name)) ||
      (!q.files.empty() && !q.files.contains(d.file)))
    return {};
  std::string list;
  for (size_t i = 0; i < d.rules.size(); ++i) {
    if (!selects(q, d.rules[i]))
      continue;
    if (!list.empty())
      list += ',';
    append_rule(list, d.rules[i], g.rules[i], q.with_alerts);
  }
  if (list.empty())
    return {};
  std::string out = "{";
  append_json_text(out, "name", d.name);
  out += ',';
  append_json_text(out, "file", d.file);
  out += fmt::format(",\"rules\":[{}],\"interval\":{},\"limit\":{},\"evaluationTime\":{},", list,
                     seconds(d.interval_ms, 1e3), d.limit, seconds(g.duration_ns, 1e9));
  append_json_text(out, "lastEvaluation", time_text(g.last_evaluation));
  append_incomplete(out, g.incomplete);
  return out + "}";
}

std::vector<group_view_ptr> groups_of(const services& s) {
  return s.rules ? s.rules->all() : std::vector<group_view_ptr>();
}

}  // namespace

answer handle_rules(const services& s, const http::request& r, const inputs&) {
  const auto q = parse_request(r);
  if (!q.ok())
    return bad_data(q.error().message());
  std::string groups, next;
  uint64_t shown = 0;
  bool begun = q->token.empty();
  for (const auto& g : groups_of(s)) {
    begun = begun || token_of(*g->definition) == q->token;
    if (!begun)
      continue;
    const auto json = group_json(*q, *g);
    if (json.empty())
      continue;
    if (q->max_groups > 0 && shown == q->max_groups) {
      next = token_of(*g->definition);
      break;
    }
    groups += (shown++ == 0 ? "" : ",") + json;
  }
  if (!begun)
    return bad_data(
        invalid("group_next_token",
                fmt::format("invalid group_next_token '{}'. were rule groups changed?", q->token))
            .message());
  std::string out = "{\"groups\":[" + groups + "]";
  if (!next.empty()) {
    out += ',';
    append_json_text(out, "groupNextToken", next);
  }
  return success(out + "}");
}

answer handle_alerts(const services& s, const http::request&, const inputs&) {
  std::string out = "{\"alerts\":[";
  bool first = true;
  for (const auto& g : groups_of(s))
    for (const auto& rule : g->rules) {
      if (rule.alerts.empty())
        continue;
      out += first ? "" : ",";
      first = false;
      append_alerts(out, rule.alerts);
    }
  return success(out + "]}");
}

}  // namespace troupe::api
