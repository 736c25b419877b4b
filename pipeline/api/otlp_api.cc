// POST /api/v1/otlp/v1/metrics: an ExportMetricsServiceRequest in protobuf or JSON. 2xx only after
// the samples are on stable storage. What is refused is told as a partial success, which senders do
// not repeat.
#include "config/config.h"
#include "pipeline/api/handlers.h"
#include "pipeline/api/write_door.h"
#include "pipeline/http/header_text.h"
#include "pipeline/otlp/translator.h"

#include <fmt/format.h>

namespace troupe::api {

namespace {

constexpr std::string_view metric_prefix = "troupe_otlp";
constexpr std::string_view protobuf_type = "application/x-protobuf", json_type = "application/json";

struct format {
  bool json = false;
  http::encoding coding = http::encoding::identity;

  std::string_view name() const { return json ? "json" : "protobuf"; }
};

result<format> format_of(const http::headers& fields) {
  format out;
  const auto type = http::find_header(fields, "Content-Type");
  const auto media = http::trim(type.substr(0, type.find(';')));
  out.json = http::equal_fold(media, json_type);
  if (!out.json && !http::equal_fold(media, protobuf_type))
    return {errc::unsupported, fmt::format("unsupported content type: {}, supported: [{}, {}]",
                                           type, json_type, protobuf_type)};
  const auto coding = http::find_header(fields, "Content-Encoding");
  if (http::equal_fold(coding, "gzip"))
    out.coding = http::encoding::gzip;
  else if (!coding.empty())
    return {errc::unsupported,
            fmt::format("unsupported compression: {}. Only \"gzip\" or no compression supported",
                        coding)};
  return out;
}

http::response answer_of(const write_door& door, const format& f, const write_result& r) {
  if (!r.error.ok())
    return door.failed(r.error);
  auto text = refusal_text(r.stored, r.rest);
  if (!text.empty() && r.stored.accepted == 0)
    return door.plain(400, std::move(text));
  const uint64_t rejected =
      r.stored.refused() + r.rest.samples_of_refused_series + r.rest.refused_histograms.count;
  if (!text.empty())
    text.pop_back();  // the line's end
  auto out = door.plain(
      200, f.json ? otlp::json_response(rejected, text) : otlp::protobuf_response(rejected, text));
  out.content_type = f.json ? json_type : protobuf_type;
  return out;
}

}  // namespace

void register_otlp_counters(services& s) {
  s.otlp_counters = write_door::make_counters(*s.metrics, metric_prefix, {"protobuf", "json"});
}

answer handle_otlp(const services& s, const http::request& r, const inputs&) {
  const write_door door(s, &s.otlp_counters, "/api/v1/otlp/v1/metrics");
  const auto format = format_of(r.header_fields);
  if (!format.ok())
    return door.plain(400, std::string(format.error().message()) + "\n");
  auto body = door.decode(format->coding, r.body);
  if (!body.ok())
    return door.undecoded(body.error());
  auto settings = otlp::settings_of(s.config()->otlp);
  settings.lookback_ms = s.lookback_ms;
  settings.accept_delta = s.accept_otlp_delta;
  settings.deltas = s.otlp_deltas;
  auto decoded = format->json ? otlp::decode_json(body->data, settings, *s.known_series)
                              : otlp::decode_protobuf(body->data, settings, *s.known_series);
  if (!decoded.ok())
    return door.unreadable(decoded.error());
  door.count(format->name(), *decoded);
  return door.store(
      std::move(*decoded), std::move(*body),
      [door, f = *format](const write_result& done) { return answer_of(door, f, done); });
}

}  // namespace troupe::api
