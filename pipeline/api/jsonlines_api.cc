// POST /api/v1/import and /api/v1/export: VictoriaMetrics' JSON lines in and out. An import's 2xx
// only after the samples are on stable storage.
#include "pipeline/api/handlers.h"
#include "pipeline/api/params.h"
#include "pipeline/api/respond.h"
#include "pipeline/api/write_door.h"
#include "pipeline/jsonlines/decode.h"
#include "pipeline/jsonlines/export.h"

#include <algorithm>

namespace troupe::api {

namespace {

constexpr std::string_view metric_prefix = "troupe_import";
constexpr int64_t year_ms = 365LL * 24 * 3600 * 1000;

http::response answer_of(const write_door& door, const write_result& r) {
  if (!r.error.ok())
    return door.failed(r.error);
  auto text = refusal_text(r.stored, r.rest);
  const int code = text.empty() ? 204 : 400;
  return door.plain(code, std::move(text));
}

result<jsonlines::export_request> export_request_of(const services& s, const http::request& r) {
  jsonlines::export_request out;
  TROUPE_ASSIGN(out.selectors, selector_params(r));
  if (out.selectors.empty())
    return {errc::invalid_argument, "missing `match[]` arg"};
  const timestamp_ms now = s.clk->now_ms();
  TROUPE_ASSIGN(out.start, time_param(r, "start", 0));
  TROUPE_ASSIGN(out.end, time_param(r, "end", now));
  TROUPE_ASSIGN(out.max_rows_per_line, limit_param(r, "max_rows_per_line"));
  // Nothing is stored beyond.
  out.start = std::max<timestamp_ms>(out.start, 0);
  out.end = std::min(out.end, now + year_ms);
  if (out.end < out.start)
    return {errc::invalid_argument, "end is before start"};
  return out;
}

}  // namespace

void register_import_counters(services& s) {
  s.import_counters = write_door::make_counters(*s.metrics, metric_prefix, {"jsonl"});
}

answer handle_import(const services& s, const http::request& r, const inputs&) {
  const write_door door(s, &s.import_counters, "/api/v1/import");
  const auto coding = http::parse_encoding(http::find_header(r.header_fields, "Content-Encoding"));
  if (!coding.ok())
    return door.undecoded(coding.error());
  jsonlines::request of;
  auto labels = extra_label_params(r);
  if (!labels.ok())
    return door.unreadable(labels.error());
  of.extra_labels = std::move(*labels);
  auto body = door.decode(*coding, r.body);
  if (!body.ok())
    return door.undecoded(body.error());
  of.lines = body->data;
  auto decoded = jsonlines::decode(of, *s.known_series);
  if (!decoded.ok())
    return door.unreadable(decoded.error());
  door.count("jsonl", *decoded);
  return door.store(std::move(*decoded), std::move(*body),
                    [door](const write_result& done) { return answer_of(door, done); });
}

answer handle_export(const services& s, const http::request& r, const inputs&) {
  auto request = export_request_of(s, r);
  if (!request.ok())
    return failure(request.error());
  auto opened = jsonlines::exporter::open(*s.data, std::move(*request));
  if (!opened.ok())
    return failure(opened.error());
  std::shared_ptr<jsonlines::exporter> from = std::move(*opened);
  http::response out;
  out.content_type = "application/stream+json; charset=utf-8";
  const bool more = from->next(out.body);
  if (!from->error().ok())
    return failure(from->error());
  if (more)
    out.stream = [from](std::string& piece) { return from->next(piece); };
  return out;
}

}  // namespace troupe::api
