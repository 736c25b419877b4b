// POST /api/v1/write: remote write 1.0 and 2.0, told apart by the Content-Type. 2xx only after the
// samples are on stable storage, which is idempotent: a request that is sent again after a 5xx
// stores nothing twice.
#include "pipeline/api/handlers.h"
#include "pipeline/api/write_door.h"
#include "pipeline/http/header_text.h"
#include "pipeline/remote/write_protocol.h"

#include <fmt/format.h>

namespace troupe::api {

namespace {

using remote::write_media_type;
constexpr auto v1_message = remote::message_name(remote::write_protocol::v1);
constexpr auto v2_message = remote::message_name(remote::write_protocol::v2);

constexpr std::string_view metric_prefix = "troupe_remote_write";
constexpr std::string_view name_of_v1 = "1.0", name_of_v2 = "2.0";

/// The `proto` parameter of a Content-Type, without quotes; version 1.0's message if there is none.
std::string_view message_of(std::string_view content_type) {
  while (!content_type.empty()) {
    const auto end = std::min(content_type.find(';'), content_type.size());
    const auto part = content_type.substr(0, end);
    content_type.remove_prefix(std::min(end + 1, content_type.size()));
    const auto equals = part.find('=');
    if (equals == std::string_view::npos ||
        !http::equal_fold(http::trim(part.substr(0, equals)), "proto"))
      continue;
    auto value = http::trim(part.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    return value;
  }
  return v1_message;
}

/// What a sender announces. Without headers it is version 1.0, snappy, as Prometheus has it.
struct announced {
  bool v2 = false;
  http::encoding coding = http::encoding::snappy;
};

result<announced> negotiate(const services& s, const http::headers& fields) {
  announced out;
  const auto type = http::find_header(fields, "Content-Type");
  if (!type.empty()) {
    if (!http::equal_fold(http::trim(type.substr(0, type.find(';'))), write_media_type))
      return {errc::unsupported,
              fmt::format("expected {} as the media type, got content type \"{}\"",
                          write_media_type, type)};
    const auto message = message_of(type);
    if (message != v1_message && message != v2_message)
      return {errc::unsupported,
              fmt::format("unknown remote write protobuf message \"{}\", supported: {}, {}",
                          message, v1_message, v2_message)};
    out.v2 = message == v2_message;
  }
  if (!(out.v2 ? s.accept_write_v2 : s.accept_write_v1))
    return {errc::unsupported,
            fmt::format("{} protobuf message is not accepted by this server; only accepts {}",
                        out.v2 ? v2_message : v1_message, out.v2 ? v1_message : v2_message)};
  const auto coding = http::find_header(fields, "Content-Encoding");
  if (http::equal_fold(coding, "zstd"))
    out.coding = http::encoding::zstd;
  else if (!coding.empty() && !http::equal_fold(coding, "snappy"))
    return {errc::unsupported,
            fmt::format("{} encoding (compression) is not accepted by this server; only snappy and "
                        "zstd are acceptable",
                        coding)};
  return out;
}

/// Tells the sender what is stored, also in an answer that says what is not.
http::response with_counts(http::response r, const storage::append_report& stored) {
  const auto add = [&](std::string_view what, uint64_t n) {
    r.header_fields.push_back(
        {fmt::format("X-Prometheus-Remote-Write-{}-Written", what), std::to_string(n)});
  };
  add("Samples", stored.accepted - stored.accepted_histograms);
  add("Histograms", stored.accepted_histograms);
  add("Exemplars", stored.accepted_exemplars);
  return r;
}

http::response answer_of(const write_door& door, const write_result& r) {
  if (!r.error.ok())
    return with_counts(door.failed(r.error), r.stored);
  auto text = refusal_text(r.stored, r.rest);
  // A 4xx tells the sender not to send the rest again.
  const int code = text.empty() ? 204 : 400;
  return with_counts(door.plain(code, std::move(text)), r.stored);
}

}  // namespace

void register_write_counters(services& s) {
  s.write_counters = write_door::make_counters(*s.metrics, metric_prefix, {name_of_v1, name_of_v2});
}

answer handle_write(const services& s, const http::request& r, const inputs&) {
  const write_door door(s, &s.write_counters, "/api/v1/write");
  const auto type = negotiate(s, r.header_fields);
  if (!type.ok())
    return door.plain(415, std::string(type.error().message()) + "\n");
  auto body = door.decode(type->coding, r.body);
  if (!body.ok())
    return with_counts(door.undecoded(body.error()), {});
  auto decoded = type->v2 ? remote::decode_write_v2(body->data, *s.known_series)
                          : remote::decode_write(body->data, *s.known_series);
  if (!decoded.ok())
    return with_counts(door.unreadable(decoded.error()), {});
  door.count(type->v2 ? name_of_v2 : name_of_v1, *decoded);
  return door.store(std::move(*decoded), std::move(*body),
                    [door](const write_result& done) { return answer_of(door, done); });
}

}  // namespace troupe::api
