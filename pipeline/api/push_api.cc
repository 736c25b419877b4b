// The Pushgateway's API: PUT, POST and DELETE /metrics/job/…, the exposition of what was pushed,
// and its wipe. 200 only when the push is on stable storage.
#include "pipeline/api/handlers.h"
#include "pipeline/api/write_door.h"
#include "pipeline/parse/negotiation.h"
#include "pipeline/push/push_store.h"

namespace troupe::api {

namespace {

constexpr std::string_view path_prefix = "/metrics/";

/// Whatever is not said to be another format is text, as what curl sends.
parse::exposition_format format_of(const http::request& r) {
  const auto f = parse::choose_format(http::find_header(r.header_fields, "Content-Type"), {});
  return f.ok() ? *f : parse::exposition_format::text;
}

counter& pushes(registry& m, std::string_view outcome) {
  return m.get_counter("troupe_pushgateway_pushes_total", "Pushes by what became of them.",
                       {{"outcome", std::string(outcome)}});
}
constexpr std::string_view stored = "stored", refused_push = "refused", unreadable = "unreadable";

/// 202 as the Pushgateway answers what it removed.
http::response removed(const write_door& door, const status& s) {
  return s.ok() ? door.plain(202, "") : door.failed(s);
}

}  // namespace

void register_push_counters(registry& metrics) {
  for (const auto outcome : {stored, refused_push, unreadable})
    pushes(metrics, outcome);
}

answer handle_push(const services& s, const http::request& r, const inputs&) {
  const write_door door(s, nullptr, "/metrics/job");
  const auto group = push::parse_grouping(std::string_view(r.path).substr(path_prefix.size()));
  if (!group.ok())
    return door.unreadable(group.error());
  if (r.method == "DELETE")
    return removed(door, s.pushed->remove(*group));
  const auto coding = http::parse_encoding(http::find_header(r.header_fields, "Content-Encoding"));
  if (!coding.ok())
    return door.undecoded(coding.error());
  const auto body = door.decode(*coding, r.body);
  if (!body.ok())
    return door.undecoded(body.error());
  const int64_t now = s.clk->now_ms();
  auto families = push::read_pushed(body->data, format_of(r), *group);
  if (!families.ok()) {
    s.pushed->note_failure(*group, now);
    pushes(*s.metrics, unreadable).add();
    return door.unreadable(families.error());
  }
  const auto pushed = s.pushed->push(*group, std::move(*families), r.method == "PUT", now);
  pushes(*s.metrics, pushed.ok() ? stored : refused_push).add();
  if (pushed.ok())
    return door.plain(200, "");
  const bool refused =
      pushed.code() == errc::invalid_argument || pushed.code() == errc::resource_exhausted;
  return refused ? door.plain(400, pushed.to_string() + "\n") : door.failed(pushed);
}

answer handle_pushed_metrics(const services& s, const http::request&, const inputs&) {
  return http::response{
      200, "text/plain; version=0.0.4; charset=utf-8", {}, s.pushed->exposition()};
}

answer handle_push_wipe(const services& s, const http::request&, const inputs&) {
  return removed(write_door(s, nullptr, "/api/v1/admin/wipe"), s.pushed->wipe());
}

}  // namespace troupe::api
