// POST /api/v1/write: remote write 1.0 and 2.0, told apart by the Content-Type. 2xx only after the
// samples are on stable storage, which is idempotent: a request that is sent again after a 5xx
// stores nothing twice.
#include "pipeline/api/handlers.h"
#include "pipeline/api/respond.h"
#include "pipeline/http/bounded_decoder.h"
#include "pipeline/http/header_text.h"
#include "pipeline/remote/write_codec.h"
#include "pipeline/remote/write_protocol.h"

#include <fmt/format.h>

#include <array>

namespace troupe::api {

namespace {

using remote::write_media_type;
constexpr auto v1_message = remote::message_name(remote::write_protocol::v1);
constexpr auto v2_message = remote::message_name(remote::write_protocol::v2);

http::response plain(int code, std::string body) {
  return {code, "text/plain; charset=utf-8", {}, std::move(body), {}, "/api/v1/write"};
}
http::response later(std::string body) {
  auto r = plain(503, std::move(body));
  r.header_fields.push_back({"Retry-After", "5"});
  return r;
}

counter& requests_of(registry& m, bool v2) {
  return m.get_counter("troupe_remote_write_requests_total", "Requests of remote write decoded.",
                       {{"protocol", v2 ? "2.0" : "1.0"}});
}

constexpr std::array<std::string_view, 4> refused_kinds{"series", "histogram", "exemplar",
                                                        "metadata"};
/// What storage refuses is counted there.
void count_refused(registry& m, const std::array<uint64_t, refused_kinds.size()>& counts) {
  for (size_t i = 0; i < counts.size(); ++i)
    m.get_counter("troupe_remote_write_refused_total", "Parts of requests refused as invalid.",
                  {{"kind", std::string(refused_kinds[i])}})
        .add(static_cast<double>(counts[i]));
}

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

/// Which parts of a decoded request were refused, in words and numbers.
class refusal_text {
 public:
  void add(uint64_t n, std::string_view what, std::string_view why) {
    if (n != 0)
      text_ += fmt::format(" {} {}{}{};", n, what, why.empty() ? "" : ": ", why);
  }
  void add(const storage::append_report& r) {
    add(r.too_old, "samples are too old", "");
    add(r.too_far_in_future, "samples are too far in the future", "");
    add(r.new_series_refused, "samples of new series are over the series limit", "");
    add(r.no_memory, "samples of new series do not fit into memory (--storage.memory-limit)", "");
    add(r.refused_exemplars, "exemplars have no time or are refused as their samples", "");
  }
  void add(const remote::decoded_write& w) {
    add(w.refused_series.count,
        fmt::format("series ({} samples) are invalid", w.samples_of_refused_series),
        w.refused_series.why);
    add(w.refused_histograms.count, "histograms are invalid", w.refused_histograms.why);
    add(w.refused_exemplars.count, "exemplars are invalid", w.refused_exemplars.why);
    add(w.refused_metadata.count, "metadata are invalid", w.refused_metadata.why);
  }
  /// "" if nothing was.
  std::string done() {
    if (text_.empty())
      return {};
    text_.back() = '\n';
    return "the valid part is stored;" + text_;
  }

 private:
  std::string text_;
};

/// The answer to a request whose batches could not all be stored.
http::response failed(const status& error) {
  const std::string text = error.to_string() + "\n";
  switch (error.code()) {
    case errc::no_space:
    case errc::unavailable:
    case errc::timeout:
    case errc::resource_exhausted:
      return later(text);
    case errc::invalid_argument:
      return plain(400, text);
    default:
      return plain(500, text);
  }
}

/// `rest` is what the decoder left: without batches.
http::response outcome_response(const std::vector<ingest::outcome>& outcomes,
                                const remote::decoded_write& rest,
                                remote::metadata_cache& known_metadata) {
  storage::append_report sum;
  const status* error = nullptr;
  for (const auto& o : outcomes) {
    sum += o.report;
    // One that may pass when it is tried again counts more than one that will not.
    if (!o.error.ok() && (error == nullptr || error->code() == errc::invalid_argument))
      error = &o.error;
  }
  if (error != nullptr)
    return with_counts(failed(*error), sum);
  known_metadata.note(rest.metadata);
  refusal_text refused;
  refused.add(sum);
  refused.add(rest);
  auto text = refused.done();
  // A 4xx tells the sender not to send the rest again.
  const int code = text.empty() ? 204 : 400;
  return with_counts(plain(code, std::move(text)), sum);
}

}  // namespace

void register_write_counters(registry& metrics) {
  requests_of(metrics, false);
  requests_of(metrics, true);
  count_refused(metrics, {});
}

answer handle_write(const services& s, const http::request& r, const inputs&) {
  const auto type = negotiate(s, r.header_fields);
  if (!type.ok())
    return plain(415, std::string(type.error().message()) + "\n");
  http::bounded_decoder decoder(s.budget, {s.max_write_bytes, 2000});
  auto body = decoder.decode(type->coding, r.body);
  if (!body.ok()) {
    const std::string text = std::string(body.error().message()) + "\n";
    const int code = http::http_status_of(body.error());
    return with_counts(code == 503 ? later(text) : plain(code, text), {});
  }
  auto decoded = type->v2 ? remote::decode_write_v2(body->data, *s.known_series)
                          : remote::decode_write(body->data, *s.known_series);
  if (!decoded.ok())
    return with_counts(plain(decoded.code() == errc::out_of_bounds ? 413 : 400,
                             std::string(decoded.error().message()) + "\n"),
                       {});
  requests_of(*s.metrics, type->v2).add();
  if (decoded->refused_count() != 0)
    count_refused(*s.metrics, {decoded->refused_series.count, decoded->refused_histograms.count,
                               decoded->refused_exemplars.count, decoded->refused_metadata.count});
  store_request store;
  store.batches = std::exchange(decoded->batches, {});
  // The lease stays until the answer: the batch is about as large as the decoded body.
  store.finish = [lease = std::make_shared<http::byte_lease>(std::move(body->lease)),
                  rest = std::make_shared<remote::decoded_write>(std::move(*decoded)),
                  known = &s.known_series->metadata()](const std::vector<ingest::outcome>& all) {
    return outcome_response(all, *rest, *known);
  };
  return store;
}

}  // namespace troupe::api
