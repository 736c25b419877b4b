// POST /api/v1/write: remote write 1.0. 2xx only after the samples are on stable storage.
#include "pipeline/api/handlers.h"
#include "pipeline/api/respond.h"
#include "pipeline/http/bounded_decoder.h"
#include "pipeline/remote/write_codec.h"

#include <fmt/format.h>

namespace troupe::api {

namespace {

http::response plain(int code, std::string body) {
  return {code, "text/plain; charset=utf-8", {}, std::move(body), {}, "/api/v1/write"};
}

/// "" if the headers announce what this route takes.
std::string unsupported(const http::request& r) {
  auto type = http::find_header(r.header_fields, "Content-Type");
  if (!type.empty() && !type.starts_with("application/x-protobuf"))
    return fmt::format("unsupported content type \"{}\"", type);
  if (type.find("io.prometheus.write.v2") != std::string_view::npos)
    return "io.prometheus.write.v2.Request protobuf message is not accepted by this server; only "
           "accepts "
           "prometheus.WriteRequest";
  auto encoding = http::find_header(r.header_fields, "Content-Encoding");
  if (!encoding.empty() && encoding != "snappy")
    return fmt::format(
        "{} encoding (compression) is not accepted by this server; only snappy is acceptable",
        encoding);
  return {};
}

http::response outcome_response(const std::vector<ingest::outcome>& outcomes,
                                uint64_t refused_series, const std::string& why) {
  storage::append_report sum;
  for (const auto& o : outcomes) {
    if (!o.error.ok()) {
      bool later = o.error.code() == errc::no_space || o.error.code() == errc::unavailable ||
                   o.error.code() == errc::timeout || o.error.code() == errc::resource_exhausted;
      auto r = plain(later ? 503 : 500, o.error.to_string() + "\n");
      if (later)
        r.header_fields.push_back({"Retry-After", "5"});
      return r;
    }
    sum.too_old += o.report.too_old;
    sum.too_far_in_future += o.report.too_far_in_future;
    sum.new_series_refused += o.report.new_series_refused;
    sum.no_memory += o.report.no_memory;
  }
  if (sum.refused() == 0 && refused_series == 0)
    return {204, "text/plain; charset=utf-8", {}, "", {}, "/api/v1/write"};
  // What was valid is stored; a 4xx tells the sender not to repeat the rest.
  std::string text = "the valid part is stored;";
  if (sum.too_old)
    text += fmt::format(" {} samples are too old;", sum.too_old);
  if (sum.too_far_in_future)
    text += fmt::format(" {} samples are too far in the future;", sum.too_far_in_future);
  if (sum.new_series_refused)
    text +=
        fmt::format(" {} samples of new series are over the series limit;", sum.new_series_refused);
  if (sum.no_memory)
    text +=
        fmt::format(" {} samples of new series do not fit into memory (--storage.memory-limit);",
                    sum.no_memory);
  if (refused_series)
    text += fmt::format(" {} series are invalid: {};", refused_series, why);
  text.back() = '\n';
  return plain(400, std::move(text));
}

}  // namespace

answer handle_write(const services& s, const http::request& r, const inputs&) {
  if (auto why = unsupported(r); !why.empty())
    return plain(415, why + "\n");
  http::bounded_decoder decoder(s.budget, {s.max_write_bytes, 2000});
  auto body = decoder.decode(http::encoding::snappy, r.body);
  if (!body.ok()) {
    auto refusal =
        plain(http::http_status_of(body.error()), std::string(body.error().message()) + "\n");
    if (refusal.status == 503)
      refusal.header_fields.push_back({"Retry-After", "5"});
    return refusal;
  }
  auto decoded = remote::decode_write(body->data, *s.known_series);
  if (!decoded.ok())
    return plain(400, std::string(decoded.error().message()) + "\n");
  store_request store;
  store.batches = std::move(decoded->batches);
  // The lease stays until the answer: the batch is about as large as the decoded body.
  auto lease = std::make_shared<http::byte_lease>(std::move(body->lease));
  store.finish = [lease, refused = decoded->refused_series,
                  why = decoded->first_refusal](const std::vector<ingest::outcome>& outcomes) {
    return outcome_response(outcomes, refused, why);
  };
  return store;
}

}  // namespace troupe::api
