// POST /api/v1/read: remote read, in one piece or as a stream of chunks, as the client prefers.
#include "config/config.h"
#include "pipeline/api/handlers.h"
#include "pipeline/api/respond.h"
#include "pipeline/global/external_labels.h"
#include "pipeline/http/bounded_decoder.h"
#include "pipeline/http/snappy_encoder.h"
#include "pipeline/remote/read_server.h"
#include "query/engine/engine.h"

namespace troupe::api {

namespace {

constexpr uint64_t max_request_bytes = 32ULL << 20;  // as Prometheus

http::response plain(int code, std::string_view text) {
  return {code, "text/plain; charset=utf-8", {}, std::string(text) + "\n"};
}

http::response refused(const status& error) {
  switch (error.code()) {
    case errc::invalid_argument:
    case errc::resource_exhausted:
      return plain(400, error.message());
    case errc::unavailable:
    case errc::timeout:
      return overloaded(error.message());
    default:
      return plain(500, error.message());
  }
}

counter& requests_of(registry& m, remote::read_response how) {
  return m.get_counter(
      "troupe_remote_read_requests_total", "Remote reads decoded.",
      {{"response", how == remote::read_response::samples ? "samples" : "streamed_xor_chunks"}});
}

answer respond_in_one(const services& s, const http::request& r, const remote::read_request& asked,
                      const remote::external_labels& external) {
  const auto& limits = s.engine->options();
  query::budget budget(*s.clk, s.query_timeout_ms, UINT64_MAX, limits.max_memory_bytes,
                       r.gone.get(), s.memory);
  query::held held(budget);
  auto message = remote::read_all(*s.data, asked, external, s.read_sample_limit, budget, held);
  if (!message.ok())
    return refused(message.error());
  http::response out{200, "application/x-protobuf", {{"Content-Encoding", "snappy"}}, ""};
  http::snappy(*message, out.body);
  return out;
}

answer respond_in_frames(const services& s, remote::read_request asked,
                         const remote::external_labels& external, const inputs& in) {
  auto stream = std::make_shared<remote::read_stream>(*s.data, std::move(asked), external,
                                                      s.read_frame_bytes);
  http::response out{
      200, "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse", {}, ""};
  // The first piece here, so that a failure is still an answer of its own.
  const auto more = stream->next(out.body);
  if (!more.ok())
    return refused(more.error());
  if (*more)
    out.stream = [stream, permit = in.permit](std::string& piece) {
      const auto next = stream->next(piece);
      // What is no frame tells the client that the answer is not whole.
      if (!next.ok())
        piece += std::string(next.error().message()) + "\n";
      return next.ok() && *next;
    };
  return out;
}

}  // namespace

void register_read_counters(registry& metrics) {
  requests_of(metrics, remote::read_response::samples);
  requests_of(metrics, remote::read_response::streamed_chunks);
}

answer handle_read(const services& s, const http::request& r, const inputs& in) {
  http::bounded_decoder decoder(s.budget, {max_request_bytes});
  auto body = decoder.decode(http::encoding::snappy, r.body);
  if (!body.ok()) {
    const int code = http::http_status_of(body.error());
    return code == 503 ? overloaded(body.error().message()) : plain(code, body.error().message());
  }
  auto asked = remote::decode_read_request(body->data);
  if (!asked.ok())
    return plain(400, asked.error().message());
  requests_of(*s.metrics, asked->wanted).add();
  // Who shows the series beside others (the global view) wants them as queries here show them.
  const bool plain_labels = r.param("external_labels").value_or("") == "false";
  const remote::external_labels external =
      in.config && !plain_labels ? in.config->global.external_labels : remote::external_labels();
  auto out = asked->wanted == remote::read_response::samples
                 ? respond_in_one(s, r, *asked, external)
                 : respond_in_frames(s, std::move(*asked), external, in);
  if (plain_labels)
    std::get<http::response>(out).header_fields.push_back(
        {std::string(global::plain_labels_header), "1"});
  return out;
}

}  // namespace troupe::api
