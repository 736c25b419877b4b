#include "pipeline/api/write_door.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace troupe::api {

namespace {

/// Output above 1 MiB may be so many times the input.
constexpr uint64_t max_ratio = 2000;

constexpr std::array<std::string_view, 4> refused_kinds{"series", "histogram", "exemplar",
                                                        "metadata"};

std::array<uint64_t, 4> counts_of(const remote::decoded_write& w) {
  return {w.refused_series.count, w.refused_histograms.count, w.refused_exemplars.count,
          w.refused_metadata.count};
}

void add_text(std::string& out, uint64_t n, std::string_view what, std::string_view why = "") {
  if (n != 0)
    out += fmt::format(" {} {}{}{};", n, what, why.empty() ? "" : ": ", why);
}

/// `rest` is what the decoder left: without batches.
write_result result_of(const std::vector<ingest::outcome>& outcomes,
                       const remote::decoded_write& rest) {
  write_result out{{}, {}, rest};
  for (const auto& o : outcomes) {
    out.stored += o.report;
    // One that may pass when it is tried again counts more than one that will not.
    if (!o.error.ok() && (out.error.ok() || out.error.code() == errc::invalid_argument))
      out.error = o.error;
  }
  return out;
}

}  // namespace

std::string refusal_text(const storage::append_report& stored, const remote::decoded_write& rest) {
  std::string out;
  add_text(out, stored.too_old, "samples are too old");
  add_text(out, stored.too_far_in_future, "samples are too far in the future");
  for (const auto& why : ingest::growth_refusals(stored))
    out += " " + why + ";";
  add_text(out, stored.refused_exemplars, "exemplars have no time or are refused as their samples");
  add_text(out, rest.refused_series.count,
           fmt::format("series ({} samples) are invalid", rest.samples_of_refused_series),
           rest.refused_series.why);
  add_text(out, rest.refused_histograms.count, "histograms are invalid",
           rest.refused_histograms.why);
  add_text(out, rest.refused_exemplars.count, "exemplars are invalid", rest.refused_exemplars.why);
  add_text(out, rest.refused_metadata.count, "metadata are invalid", rest.refused_metadata.why);
  if (out.empty())
    return out;
  out.back() = '\n';
  return "the valid part is stored;" + out;
}

http::response write_door::plain(int code, std::string body) const {
  return {code, "text/plain; charset=utf-8", {}, std::move(body), {}, std::string(path_)};
}

http::response write_door::later(std::string body) const {
  auto r = plain(503, std::move(body));
  r.header_fields.push_back({"Retry-After", "5"});
  return r;
}

http::response write_door::failed(const status& error) const {
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

result<http::decoded_body> write_door::decode(http::encoding coding, std::string_view body) const {
  return http::bounded_decoder(services_.budget, {services_.max_write_bytes, max_ratio})
      .decode(coding, body);
}

http::response write_door::undecoded(const status& error) const {
  const std::string text = std::string(error.message()) + "\n";
  const int code = http::http_status_of(error);
  return code == 503 ? later(text) : plain(code, text);
}

http::response write_door::unreadable(const status& error) const {
  return plain(error.code() == errc::out_of_bounds ? 413 : 400,
               std::string(error.message()) + "\n");
}

// What storage refuses is counted there.
void write_door::count(std::string_view protocol, const remote::decoded_write& w) const {
  const auto& all = counters_->requests;
  std::find_if(all.begin(), all.end(), [&](const auto& c) {
    return c.first == protocol;
  })->second->add();
  const auto refused = counts_of(w);
  for (size_t i = 0; i < refused.size(); ++i)
    if (refused[i] != 0)
      counters_->refused[i]->add(static_cast<double>(refused[i]));
}

door_counters write_door::make_counters(registry& metrics, std::string_view prefix,
                                        std::initializer_list<std::string_view> protocols) {
  door_counters out;
  for (const auto protocol : protocols)
    out.requests.emplace_back(
        protocol, &metrics.get_counter(fmt::format("{}_requests_total", prefix),
                                       "Requests decoded.", {{"protocol", std::string(protocol)}}));
  for (size_t i = 0; i < refused_kinds.size(); ++i)
    out.refused[i] = &metrics.get_counter(fmt::format("{}_refused_total", prefix),
                                          "Parts of requests refused as invalid.",
                                          {{"kind", std::string(refused_kinds[i])}});
  return out;
}

store_request write_door::store(remote::decoded_write w, http::decoded_body body,
                                std::function<http::response(const write_result&)> reply) const {
  store_request out;
  out.batches = std::exchange(w.batches, {});
  out.finish =
      [lease = std::make_shared<http::byte_lease>(std::move(body.lease)),
       rest = std::make_shared<const remote::decoded_write>(std::move(w)), reply = std::move(reply),
       known = &services_.known_series->metadata()](const std::vector<ingest::outcome>& all) {
        const auto done = result_of(all, *rest);
        if (done.error.ok())
          known->note(rest->metadata);
        return reply(done);
      };
  return out;
}

}  // namespace troupe::api
