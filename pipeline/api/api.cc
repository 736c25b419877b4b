#include "pipeline/api/api.h"

#include "pipeline/api/handlers.h"

#include <algorithm>
#include <exception>

namespace troupe::api {

namespace {

/// Splits at '/'; the path starts with one.
bool path_matches(std::string_view pattern, std::string_view path) {
  if (pattern.ends_with('*'))
    return path.starts_with(pattern.substr(0, pattern.size() - 1));
  size_t colon = pattern.find(':');
  if (colon == std::string_view::npos)
    return pattern == path;
  if (path.substr(0, colon) != pattern.substr(0, colon))
    return false;
  size_t rest = pattern.find('/', colon);
  std::string_view tail =
      rest == std::string_view::npos ? std::string_view() : pattern.substr(rest);
  return path.size() > colon + tail.size() && path.ends_with(tail) &&
         path.substr(colon, path.size() - colon - tail.size()).find('/') == std::string_view::npos;
}

bool allows(std::string_view methods, std::string_view method) {
  if (method == "HEAD")
    method = "GET";
  size_t at = methods.find(method);
  return at != std::string_view::npos && (at == 0 || methods[at - 1] == ' ') &&
         (at + method.size() == methods.size() || methods[at + method.size()] == ' ');
}

std::string allow_header(std::string_view methods) {
  std::string out;
  for (char c : methods)
    out += c == ' ' ? std::string(", ") : std::string(1, c);
  return out + ", OPTIONS";
}

http::response plain(int code, std::string body) {
  return {code, "text/plain; charset=utf-8", {}, std::move(body)};
}

/// Also those that are not carried out on the maintenance thread.
bool is_admin(const route& r) {
  return r.kind == route_kind::admin || r.path.starts_with("/api/v1/admin/");
}

/// The refusal of a group of routes that a flag turns on; "" if the route may run.
std::string_view disabled(const services& s, const route& r) {
  if (is_admin(r) && !s.enable_admin)
    return "admin APIs disabled";
  if ((r.kind == route_kind::reload || r.kind == route_kind::quit) && !s.enable_lifecycle)
    return "Lifecycle API is not enabled.";
  if (r.closed != nullptr)
    return r.closed(s);
  return {};
}

std::string_view write_closed(const services& s) {
  return s.enable_write_receiver
             ? ""
             : "remote write receiver needs to be enabled with --web.enable-remote-write-receiver";
}
std::string_view otlp_closed(const services& s) {
  return s.enable_otlp_receiver
             ? ""
             : "otlp write receiver needs to be enabled with --web.enable-otlp-receiver";
}

std::string_view import_closed(const services& s) {
  return s.enable_import ? "" : "import needs to be enabled with --troupe.web.enable-import";
}

std::string_view push_closed(const services& s) {
  return s.pushed != nullptr ? ""
                             : "pushing needs to be enabled with --troupe.web.enable-pushgateway";
}

http::response refuse_disabled(const route& r, std::string_view why) {
  if (is_admin(r))
    return error_response(503, "unavailable", why);
  if (r.closed != nullptr)
    return plain(404, std::string(why) + "\n");
  return plain(403, std::string(why));
}

}  // namespace

const std::vector<route>& api::routes() {
  using k = route_kind;
  static const std::vector<route> table = {
      {"GET POST", "/api/v1/query", k::query, handle_query},
      {"GET POST", "/api/v1/query_range", k::query, handle_query_range},
      {"GET POST", "/api/v1/query_exemplars", k::query, handle_query_exemplars},
      {"GET POST", "/api/v1/format_query", k::cheap, handle_format_query},
      {"GET POST", "/api/v1/parse_query", k::cheap, handle_parse_query},
      {"GET POST", "/api/v1/series", k::query, handle_series},
      {"GET POST", "/api/v1/labels", k::query, handle_labels},
      {"GET", "/api/v1/label/:name/values", k::query, handle_label_values},
      {"GET", "/api/v1/metadata", k::cheap, handle_metadata},
      {"GET", "/api/v1/targets", k::targets, handle_targets},
      {"GET", "/api/v1/targets/metadata", k::targets, handle_targets_metadata},
      {"GET", "/api/v1/scrape_pools", k::targets, handle_scrape_pools},
      {"GET", "/api/v1/status/config", k::cheap, handle_status_config},
      {"GET", "/api/v1/status/flags", k::cheap, handle_status_flags},
      {"GET", "/api/v1/status/buildinfo", k::cheap, handle_buildinfo},
      {"GET", "/api/v1/status/runtimeinfo", k::cheap, handle_runtimeinfo},
      {"GET", "/api/v1/status/tsdb", k::cheap, handle_tsdb},
      {"GET", "/api/v1/status/tsdb/blocks", k::cheap, handle_blocks},
      {"GET", "/api/v1/status/cardinality", k::cheap, handle_cardinality},
      {"GET", "/api/v1/status/watermarks", k::cheap, handle_watermarks},
      {"GET", "/api/v1/status/kafka", k::cheap, handle_kafka},
      {"GET", "/api/v1/status/stages", k::cheap, handle_stages},
      {"GET", "/api/v1/status/global_view", k::cheap, handle_global_view},
      {"GET", "/api/v1/status/walreplay", k::cheap, handle_walreplay},
      {"GET", "/api/v1/status/damage", k::cheap, handle_damage},
      {"GET", "/api/v1/rules", k::cheap, handle_rules},
      {"GET", "/api/v1/alerts", k::cheap, handle_alerts},
      {"GET", "/api/v1/alertmanagers", k::cheap, handle_alertmanagers},
      {"POST PUT", "/api/v1/admin/tsdb/delete_series", k::admin, handle_delete_series},
      {"POST PUT", "/api/v1/admin/tsdb/clean_tombstones", k::admin, handle_clean_tombstones},
      {"POST PUT", "/api/v1/admin/tsdb/flush", k::admin, handle_flush},
      {"POST PUT", "/api/v1/admin/tsdb/snapshot", k::admin, handle_snapshot},
      {"POST", "/api/v1/admin/stages/pause", k::cheap, handle_pause_stages},
      {"POST", "/api/v1/admin/stages/resume", k::cheap, handle_resume_stages},
      {"POST", "/api/v1/write", k::write, handle_write, write_closed},
      {"POST", "/api/v1/otlp/v1/metrics", k::write, handle_otlp, otlp_closed},
      {"POST", "/api/v1/read", k::read, handle_read},
      {"POST", "/write", k::write, handle_influx_write, import_closed},
      {"POST", "/influx/write", k::write, handle_influx_write, import_closed},
      {"POST", "/api/v2/write", k::write, handle_influx_write, import_closed},
      {"POST", "/influx/api/v2/write", k::write, handle_influx_write, import_closed},
      {"POST", "/api/v1/import", k::write, handle_import, import_closed},
      {"GET POST", "/api/v1/export", k::query, handle_export, import_closed},
      {"GET POST", "/query", k::cheap, handle_influx_query, import_closed},
      {"GET POST", "/influx/query", k::cheap, handle_influx_query, import_closed},
      {"GET", "/influx/health", k::immediate, handle_influx_health, import_closed},
      {"PUT POST DELETE", "/metrics/job*", k::cheap, handle_push, push_closed},
      {"GET", "/pushgateway/metrics", k::cheap, handle_pushed_metrics, push_closed},
      {"GET", "/api/v1/metrics", k::cheap, handle_pushed_groups, push_closed},
      {"GET", "/api/v1/status", k::cheap, handle_push_status, push_closed},
      {"PUT", "/api/v1/admin/wipe", k::admin, handle_push_wipe, push_closed},
      {"GET", "/federate", k::query, handle_federate},
      {"POST DELETE", "/api/v1/federation/stream", k::feed, handle_by_caller},
      {"GET", "/metrics", k::cheap, handle_metrics},
      {"GET", "/version", k::cheap, handle_version},
      {"GET", "/-/healthy", k::immediate, handle_healthy},
      {"GET", "/-/ready", k::immediate, handle_ready},
      {"POST PUT", "/-/reload", k::reload, handle_by_caller},
      {"POST PUT", "/-/quit", k::quit, handle_by_caller},
      {"GET", "/", k::cheap, handle_page},
      {"GET", "/page.js", k::cheap, handle_page_asset},
      {"GET", "/page.css", k::cheap, handle_page_asset},
  };
  return table;
}

api::api(services s) : services_(std::move(s)) {
  if (services_.metrics != nullptr)
    register_read_counters(*services_.metrics);
  if (services_.enable_write_receiver)
    register_write_counters(services_);
  if (services_.enable_import) {
    register_influx_counters(services_);
    register_import_counters(services_);
  }
  if (services_.enable_otlp_receiver)
    register_otlp_counters(services_);
  if (services_.pushed != nullptr)
    register_push_counters(*services_.metrics);
}

api::match api::find(const http::request& r) const {
  const route* wrong_method = nullptr;
  for (const route& candidate : routes()) {
    if (!path_matches(candidate.path, r.path))
      continue;
    if (r.method == "OPTIONS")
      return {nullptr,
              {204, "text/plain; charset=utf-8", {{"Allow", allow_header(candidate.methods)}}, ""}};
    if (!allows(candidate.methods, r.method)) {
      wrong_method = &candidate;
      continue;
    }
    if (auto why = disabled(services_, candidate); !why.empty())
      return {nullptr, refuse_disabled(candidate, why)};
    return {&candidate, {}};
  }
  if (wrong_method) {
    auto refusal = plain(405, "Method Not Allowed\n");
    refusal.header_fields.push_back({"Allow", allow_header(wrong_method->methods)});
    refusal.route = std::string(wrong_method->path);
    return {nullptr, std::move(refusal)};
  }
  return {nullptr, plain(404, "404 page not found\n")};
}

answer api::handle(const route& to, const http::request& r, const inputs& in) const {
  answer out;
  try {
    out = to.handle(services_, r, in);
  } catch (
      const std::exception& e) {  // std::bad_alloc and the like: one call fails, not the process
    out = error_response(500, "internal", e.what());
  }
  if (auto* response = std::get_if<http::response>(&out))
    response->route = std::string(to.path);
  return out;
}

answer handle_by_caller(const services&, const http::request&, const inputs&) {
  return error_response(503, "unavailable", "the node does not carry out this request");
}

}  // namespace troupe::api
